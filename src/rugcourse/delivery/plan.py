"""Turns enrolments that are due into deliveries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.schedule import Decision, Missed, Patience, SendNow, ShiftTo, decide_for, next_mail
from rugcourse.store import campaigns, enrolments, planning
from rugcourse.store.campaigns import Sending
from rugcourse.store.database import Database
from rugcourse.store.enrolments import DueEnrolment, ExpectedEnrolment, Step
from rugcourse.store.planning import LessonOfDay

BATCH = 1000
TOO_LATE = "too-late"  # why a campaign waits for an admin: the moment it promised was missed by more than we wait


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
    with database.read() as session:
        running = [one.id for one in campaigns.sending(session)]
    for campaign_id in running:
        seen = BATCH
        while seen == BATCH:
            with database.write_batch(durable=False) as session:
                batch = _plan_batch(session, campaign_id, clock.now(), patience)
            yield batch
            seen = batch.planned + batch.shifted


def _plan_batch(session: Session, campaign_id: int, now: datetime, patience: Patience) -> Plan:
    campaign = next((one for one in campaigns.sending(session) if one.id == campaign_id), None)
    if campaign is None:  # paused since it was looked at
        return Plan()
    choices = Choices(campaign)
    due = enrolments.lock_due(session, campaign_id, now, BATCH)
    for one in due:
        choices.choose(one, now, patience)
    if choices.missed:
        campaigns.pause_for_admin(session, campaign_id, TOO_LATE)
    planned = planning.plan_lessons(session, choices.lessons, now, campaign.delivers)
    # A lesson that could not be planned came before: the course was put in another order. On to the next, the same day.
    enrolments.pass_over(session, [one for ids in choices.lessons.values() for one in ids if one not in planned])
    enrolments.advance(session, {step: [one for one in ids if one in planned] for step, ids in choices.steps.items()})
    enrolments.complete(session, choices.over | (choices.last & planned), now)
    enrolments.shift(session, choices.shifts)
    return Plan(planned=len(planned), shifted=len(due) - len(planned) - len(choices.missed))


def decide(
    campaign: Sending, one: DueEnrolment | ExpectedEnrolment, now: datetime, patience: Patience
) -> Decision | Missed:
    """What the rules of the calendar say about an enrolment that is due."""
    return decide_for(
        campaign.timing,
        one.schedule,
        one.due_at,
        now,
        patience,
        one.last_local_date,
        first=one.position == 1,
        go_from=campaign.go_from,
    )


@dataclass(slots=True)
class Choices:
    """What becomes of enrolments of a campaign that are due, those together that go the same way.

    `over`: no lesson is left for them; `last`: they get their last one; `missed`: their promised moment is over.
    """

    campaign: Sending
    lessons: dict[LessonOfDay, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[Step, list[int]] = field(default_factory=lambda: defaultdict(list))
    shifts: dict[datetime | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    over: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)
    missed: set[int] = field(default_factory=set)

    def choose(self, due: DueEnrolment, now: datetime, patience: Patience) -> None:
        """Decide about one."""
        campaign = self.campaign
        lesson_id = campaign.lessons.get(due.position)
        if lesson_id is None:
            self.over.add(due.id)
            return
        if not due.active:
            self.shifts[None].append(due.id)
            return
        match decide(campaign, due, now, patience):
            case Missed():
                self.missed.add(due.id)
            case ShiftTo(instant):
                self.shifts[instant].append(due.id)
            case SendNow(local_date, send_by):
                self.lessons[LessonOfDay(lesson_id, local_date, send_by)].append(due.id)
                following = next_mail(campaign.timing, due.schedule, now, local_date)
                self.steps[Step(local_date, following)].append(due.id)
                if due.position == len(campaign.lessons):
                    self.last.add(due.id)
