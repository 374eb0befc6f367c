"""Turns enrolments that are due into deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.schedule import Patience, SendNow, ShiftTo, decide, next_due
from rugcourse.store import courses, enrolments, planning
from rugcourse.store.database import Database
from rugcourse.store.enrolments import DueEnrolment, Step
from rugcourse.store.planning import LessonOfDay

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look at the calendar brought. `late`: planned before, but their hour passed unsent."""

    planned: int = 0
    shifted: int = 0
    late: int = 0

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.planned + other.planned, self.shifted + other.shifted, self.late + other.late)


def plan_due(database: Database, clock: Clock, patience: Patience) -> Plan:
    """Plan every lesson that is due now, and say what that came to."""
    return sum(plan_batches(database, clock, patience), Plan())


def plan_batches(database: Database, clock: Clock, patience: Patience) -> Iterator[Plan]:
    """Plan every lesson that is due now, a batch with each step.

    Each batch is one transaction: the deliveries are inserted and the enrolments moved on together, or neither. Any
    number of schedulers may do this at once.
    """
    late = BATCH
    while late == BATCH:
        with database.write_batch() as session:
            late = len(planning.cancel_late(session, clock.now(), BATCH))
        yield Plan(late=late)
    seen = BATCH
    while seen == BATCH:
        with database.write_batch(durable=False) as session:
            batch = _plan_batch(session, clock.now(), patience)
        yield batch
        seen = batch.planned + batch.shifted


def _plan_batch(session: Session, now: datetime, patience: Patience) -> Plan:
    places = courses.lesson_places(session)
    choices = Choices()
    due = enrolments.lock_due(session, now, BATCH)
    for one in due:
        choices.choose(one, places.get(one.campaign_id, {}), now, patience)
    planned = planning.plan_lessons(session, choices.lessons, now)
    # A lesson that could not be planned came before: the course was put in another order. On to the next, the same day.
    enrolments.pass_over(session, [one for ids in choices.lessons.values() for one in ids if one not in planned])
    enrolments.advance(session, {step: [one for one in ids if one in planned] for step, ids in choices.steps.items()})
    enrolments.complete(session, choices.over | (choices.last & planned), now)
    enrolments.shift(session, choices.shifts)
    return Plan(planned=len(planned), shifted=len(due) - len(planned))


@dataclass(slots=True)
class Choices:
    """What becomes of enrolments that are due, those together that go the same way.

    `over`: no lesson is left for them; `last`: they get their last one.
    """

    lessons: dict[LessonOfDay, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[Step, list[int]] = field(default_factory=lambda: defaultdict(list))
    shifts: dict[datetime | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    over: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)

    def choose(self, due: DueEnrolment, lesson_ids: Mapping[int, int], now: datetime, patience: Patience) -> None:
        """Decide about one. `lesson_ids`: position → lesson of its course."""
        lesson_id = lesson_ids.get(due.position)
        if lesson_id is None:
            self.over.add(due.id)
            return
        if not due.active:
            self.shifts[None].append(due.id)
            return
        match decide(due.schedule, due.due_at, now, patience, due.last_local_date):
            case ShiftTo(instant):
                self.shifts[instant].append(due.id)
            case SendNow(local_date, send_by):
                self.lessons[LessonOfDay(lesson_id, local_date, send_by)].append(due.id)
                self.steps[Step(local_date, next_due(due.schedule, now, local_date))].append(due.id)
                if due.position == len(lesson_ids):
                    self.last.add(due.id)
