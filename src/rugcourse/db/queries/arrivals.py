"""Queries about evidence that a mail arrived: its reader used it, or a server's reply was found later."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count
from rugcourse.db.models import (
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EnrolmentRow,
    EnrolmentStatus,
    ScheduleRow,
    WebhookEvent,
)
from rugcourse.db.queries.arrival_conditions import ARRIVED, GIVEN_UP, WAS_USED
from rugcourse.db.queries.cancellations import lock_enrolments, rewind_enrolments
from rugcourse.db.queries.webhook_events import note_mails

_BY_A_MACHINE = "a machine used it, so nobody knows whether it arrived"
_RETRY_AFTER = timedelta(minutes=5)  # for a deferred mail that a machine used


def confirm_by_events(session: Session, unknown: Collection[int], now: datetime) -> set[int]:
    """Mark unknown deliveries as accepted if their readers have already used them; returns these."""
    return {one for one in used_among(session, unknown) if confirm_by_activity(session, one, now)} if unknown else set()


def was_used(session: Session, delivery_id: int) -> bool:
    """Whether a human followed a link of a mail or answered in it, so that it must have arrived."""
    return bool(used_among(session, [delivery_id]))


def used_among(session: Session, ids: Collection[int]) -> set[int]:
    return set(session.scalars(select(EmailEventRow.delivery_id).where(EmailEventRow.delivery_id.in_(ids), WAS_USED)))


def is_unknown(state: str) -> bool:
    """Whether a delivery in this state may have arrived without our knowledge, including one that is sent again."""
    return state in {DeliveryState.UNKNOWN, DeliveryState.CANCELLED, DeliveryState.PLANNED}


def confirm_by_activity(session: Session, delivery_id: int, now: datetime, reply: str | None = None) -> bool:
    """Mark a mail as accepted that was unknown, bounced or deferred, because its reader used it.

    Or because a server's `reply` that it accepted the mail is found later. A mail that was to be sent again is not
    sent again, unless it is already being submitted.
    """
    if mark_accepted(session, delivery_id, now, DeliveryState.UNKNOWN, reply):
        return True
    if not _goes_again(session, delivery_id):
        return False
    lock_enrolments(session, [delivery_id])
    if mark_accepted(session, delivery_id, now, DeliveryState.PLANNED, reply):
        return True
    if not mark_accepted(session, delivery_id, now, DeliveryState.CANCELLED, reply):
        return False
    _count_again(session, delivery_id)
    return True


def revoke_activity(session: Session, ids: Collection[int], since: datetime, now: datetime) -> None:
    """Undo `confirm_by_activity` since an instant for mails that a machine used, unless a human used them as well.

    They are unknown again, or are sent again.
    """
    doubted = sorted({*ids} - used_among(session, ids))
    if not doubted:
        return
    lock_enrolments(session, doubted)
    _restore_states(session, doubted, since, DeliveryState.UNKNOWN, settled_at=now)
    _restore_states(session, doubted, since, DeliveryState.PLANNED, settled_at=None, not_before=now + _RETRY_AFTER)
    cancelled = _restore_states(session, doubted, since, DeliveryState.CANCELLED, settled_at=now)
    ended = _of_ended(session, cancelled)
    rewind_enrolments(session, sorted(ended), due_since_planned=True)
    rewind_enrolments(session, [one for one in cancelled if one not in ended])  # due as its enrolment is


def _of_ended(session: Session, ids: Collection[int]) -> set[int]:
    """Return the deliveries whose enrolments are completed."""
    if not ids:
        return set()
    return set(
        session.scalars(
            select(DeliveryRow.id)
            .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
            .where(DeliveryRow.id.in_(ids), EnrolmentRow.status == EnrolmentStatus.COMPLETED)
        )
    )


def _restore_states(
    session: Session, ids: Sequence[int], since: datetime, state: DeliveryState, **values: datetime | None
) -> list[int]:
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.state == DeliveryState.ACCEPTED,
                DeliveryRow.smtp_response == ARRIVED[state],
                DeliveryRow.settled_at >= since,
            )
            .values(state=state, smtp_response=_BY_A_MACHINE, **values)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def _count_again(session: Session, delivery_id: int) -> None:
    """Count a delivery in its enrolment again, which had been rewound to it.

    The planner skips what arrived, and counts the days from its date again: the date on which it was resent, unless
    another lesson has that date.
    """
    found = session.execute(
        select(DeliveryRow, EnrolmentRow, ScheduleRow.zone)
        .join(EnrolmentRow, EnrolmentRow.id == DeliveryRow.enrolment_id)
        .join(ScheduleRow, ScheduleRow.subscriber_id == DeliveryRow.subscriber_id)
        .where(DeliveryRow.id == delivery_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:  # a mail that a person waits for has no enrolment
        return
    row, enrolment, zone = found
    enrolment.lessons_planned += 1
    resent = session.scalar(
        select(func.min(EmailEventRow.at)).where(EmailEventRow.delivery_id == delivery_id, GIVEN_UP)
    )
    sent_on = (resent or row.planned_at).astimezone(ZoneInfo(zone)).date()
    taken = select(DeliveryRow.id).where(DeliveryRow.enrolment_id == enrolment.id, DeliveryRow.local_date == sent_on)
    if session.scalar(taken) is None:
        row.local_date = sent_on
        enrolment.last_local_date = max(sent_on, enrolment.last_local_date or sent_on)
    session.flush()


def _goes_again(session: Session, delivery_id: int) -> bool:
    """Whether a delivery was tried before, and was unknown, bounced or deferred."""
    given_up = select(EmailEventRow.id).where(EmailEventRow.delivery_id == delivery_id, GIVEN_UP)
    tried = or_(DeliveryRow.attempts > 0, given_up.exists())
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.id == delivery_id, tried)) is not None


def mark_accepted(
    session: Session, delivery_id: int, now: datetime, state: DeliveryState, reply: str | None = None
) -> bool:
    arrived = session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == state)
        .values(
            state=DeliveryState.ACCEPTED,
            settled_at=now,
            not_before=None,
            attempts=case((DeliveryRow.attempts == 0, 1), else_=DeliveryRow.attempts),  # count the earlier attempt
            smtp_response=reply or ARRIVED[state],
        )
        .execution_options(synchronize_session=False)
    )
    if count(arrived) != 1:
        return False
    note_mails(session, WebhookEvent.LESSON_ACCEPTED, now, [delivery_id])
    return True
