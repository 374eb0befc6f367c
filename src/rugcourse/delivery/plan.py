"""Turns enrolments that are due into deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.schedule import Patience, SendNow, ShiftTo, decide, next_due
from rugcourse.store import deliveries, enrolments
from rugcourse.store.database import Database
from rugcourse.store.deliveries import PlannedLesson
from rugcourse.store.enrolments import DueEnrolment
from rugcourse.store.tables import EnrolmentStatus

BATCH = 500


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
        with database.write() as session:
            late = len(deliveries.cancel_late(session, clock.now(), BATCH))
        yield Plan(late=late)
    seen = BATCH
    while seen == BATCH:
        with database.write() as session:
            batch = _plan_batch(session, clock.now(), patience)
        yield batch
        seen = batch.planned + batch.shifted


def _plan_batch(session: Session, now: datetime, patience: Patience) -> Plan:
    steps = [(due, *_next_step(due, now, patience)) for due in enrolments.lock_due(session, now, BATCH)]
    planned = deliveries.plan_lessons(session, [lesson for _, lesson, _ in steps if lesson is not None], now)
    # A lesson that could not be planned came before: the course was put in another order. On to the next, the same day.
    passed_over = {due.id for due, lesson, _ in steps if lesson is not None} - planned
    enrolments.move_on(
        session,
        [
            {"id": due.id, "next_position": due.position + 1} if due.id in passed_over else {"id": due.id, **change}
            for due, _, change in steps
        ],
    )
    return Plan(planned=len(planned), shifted=len(steps) - len(planned))


def _next_step(due: DueEnrolment, now: datetime, patience: Patience) -> tuple[PlannedLesson | None, dict[str, Any]]:
    """The lesson to plan, if any, and the enrolment's new values."""
    if due.lesson_id is None:
        return None, {"next_due_at": None, "status": EnrolmentStatus.COMPLETED, "completed_at": now}
    if not due.active:
        return None, {"next_due_at": None}
    match decide(due.schedule, due.due_at, now, patience, due.last_local_date):
        case ShiftTo(instant):
            return None, {"next_due_at": instant}
        case SendNow(local_date, send_by):
            lesson = PlannedLesson(due.campaign_id, due.id, due.subscriber_id, due.lesson_id, local_date, send_by)
            change: dict[str, Any] = {
                "next_position": due.position + 1,
                "lessons_planned": due.lessons_planned + 1,
                "last_local_date": local_date,
                "next_due_at": None if due.is_last else next_due(due.schedule, now, local_date),
            }
            if due.is_last:
                change |= {"status": EnrolmentStatus.COMPLETED, "completed_at": now}
            return lesson, change
