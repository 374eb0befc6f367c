"""Sends the next lesson early on the reader's request: immediately, and once a day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import EnrolmentRow, EnrolmentStatus, SubscriberStatus
from rugcourse.db.queries import campaigns, delivery_planning, enrolments, subscribers, webhook_events
from rugcourse.db.queries.sending_holds import campaign_key
from rugcourse.delivery import holds
from rugcourse.errors import InvalidState
from rugcourse.scheduling import Schedule, next_mail


class NothingToSend(InvalidState):
    """There is no next lesson, sending is held, the reader has left or paused, or they already asked today."""


def send_next_now(session: Session, now: datetime, delivery_id: int) -> None:
    """Plan the next lesson of the course of a mail, as a mail that its reader waits for. Raises NothingToSend.

    It counts as today's lesson. If today already had one it is an extra lesson, and tomorrow's comes as scheduled,
    unless it waits for the answer to the quiz.
    """
    enrolment, schedule = _find(session, delivery_id, now)
    places = campaigns.lessons_of(session, enrolment.campaign_id)
    lesson_id, today = places.get(enrolment.next_position), schedule.local_date(now)
    idempotency_key = f"ahead:{enrolment.id}:{today}"
    if lesson_id is None or not delivery_planning.plan_early(
        session, enrolment, lesson_id, today, idempotency_key, now
    ):
        raise NothingToSend
    _move_on(session, enrolment, schedule, now, is_last=enrolment.next_position == len(places))


def may_ask(session: Session, enrolment: EnrolmentRow, schedule: Schedule, now: datetime) -> bool:
    """Whether a reader may ask for their next lesson now."""
    return (
        enrolment.status == EnrolmentStatus.ACTIVE
        and not schedule.is_paused(now)
        and _goes_out(session, enrolment.campaign_id, now)
        and not delivery_planning.is_planned_once(session, f"ahead:{enrolment.id}:{schedule.local_date(now)}")
    )


def _goes_out(session: Session, campaign_id: int, now: datetime) -> bool:
    """Whether a campaign is running and not held."""
    return campaigns.is_running(session, campaign_id) and not holds.is_held(session, campaign_key(campaign_id), now)


def _find(session: Session, delivery_id: int, now: datetime) -> tuple[EnrolmentRow, Schedule]:
    found = subscribers.by_delivery(session, delivery_id, lock=True)
    if found is None or found[0].status != SubscriberStatus.ACTIVE:
        raise NothingToSend
    person, delivery = found
    enrolment = enrolments.of_mail(session, delivery, lock=True)
    schedule = subscribers.load_schedule(session, person.id)
    if enrolment is None or not may_ask(session, enrolment, schedule, now):
        raise NothingToSend
    return enrolment, schedule


def _move_on(session: Session, enrolment: EnrolmentRow, schedule: Schedule, now: datetime, *, is_last: bool) -> None:
    today = schedule.local_date(now)
    timing = campaigns.find_timing(session, enrolment.campaign_id)
    waits = timing.cadence.waits_for_answer and not is_last
    if waits or enrolment.last_local_date is None or enrolment.last_local_date < today:
        enrolment.last_local_date = max(today, enrolment.last_local_date or today)
        last = enrolment.last_local_date
        enrolment.next_due_at = next_mail(timing, schedule, now, last, awaits_answer=waits)
    enrolment.awaits_answer = waits
    enrolment.next_position += 1
    enrolment.lessons_planned += 1
    if is_last:
        enrolment.status, enrolment.next_due_at, enrolment.completed_at = EnrolmentStatus.COMPLETED, None, now
        webhook_events.note_completed(session, now, [enrolment.id])
