"""Queries that cancel planned deliveries, and rewind the enrolments whose lessons did not arrive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, false, func, null, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.db.models import (
    CampaignRow,
    DeliveryKind,
    DeliveryQueue,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EnrolmentRow,
    EnrolmentStatus,
    LessonRow,
)
from rugcourse.db.queries.arrival_conditions import ARRIVED, WAS_USED
from rugcourse.db.queries.delivery_planning import still_wanted
from rugcourse.db.queries.enrolments import stays_finished

_TOO_LATE = "its hour passed before it could be sent"


def cancel_unwanted(session: Session, queue: DeliveryQueue, ids: Sequence[int], now: datetime) -> list[int]:
    """Cancel the planned deliveries among `ids` that their reader does not want any more.

    The lesson is not lost: the enrolment is rewound to it, and it is sent when the reader comes back.
    """
    unwanted = (DeliveryRow.id.in_(ids), ~still_wanted(queue, now))
    cancelled = _set_cancelled(session, now, "the reader left, paused or is suppressed", *unwanted)
    rewind_enrolments(session, cancelled, due_since_planned=True)
    return cancelled


def cancel_planned(
    session: Session, subscriber_id: int, reason: str, now: datetime, *, enrolment_id: int | None = None
) -> list[int]:
    """Cancel the planned deliveries of a person who pauses or leaves, except mails that they asked for themselves.

    Only those of one enrolment, if it is given.
    """
    # Waits for a planner that works on their enrolments, so that what it planned is found.
    session.execute(
        select(EnrolmentRow.id)
        .where(EnrolmentRow.subscriber_id == subscriber_id)
        .order_by(EnrolmentRow.id)
        .with_for_update()
    )
    theirs = [DeliveryRow.subscriber_id == subscriber_id, DeliveryRow.enrolment_id.is_not(None)]
    if enrolment_id is not None:
        theirs.append(DeliveryRow.enrolment_id == enrolment_id)
    return _cancel(session, now, reason, *theirs)


def expire_submitted(session: Session, subscriber_id: int, now: datetime) -> None:
    """End the send window of mails being submitted to a person, so that they are not retried if deferred.

    Includes unknown ones, as a slow worker may still report their result.
    """
    session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.subscriber_id == subscriber_id,
            DeliveryRow.state.in_((DeliveryState.SUBMITTING, DeliveryState.UNKNOWN)),
            DeliveryRow.enrolment_id.is_not(None),
        )
        .values(send_by=now)
        .execution_options(synchronize_session=False)
    )


def cancel_for_good(session: Session, ids: Sequence[int], reason: str, now: datetime) -> list[int]:
    """Cancel the planned deliveries among `ids`, of a campaign that is over."""
    return _cancel(session, now, reason, DeliveryRow.id.in_(ids))


def cancel_late(session: Session, now: datetime, limit: int) -> list[int]:
    """Cancel up to `limit` lessons whose send window is over, and that no server has deferred.

    They are due again from when they were planned: the scheduling rules decide what happens to them.
    """
    late = select(DeliveryRow.id).where(*_late(now), ~_was_answered()).limit(limit).with_for_update(skip_locked=True)
    cancelled = _set_cancelled(session, now, _TOO_LATE, DeliveryRow.id.in_(late.scalar_subquery()), attempts=0)
    rewind_enrolments(session, cancelled, due_since_planned=True)
    return cancelled


def late_after_tries(session: Session, now: datetime, limit: int) -> list[int]:
    """Return up to `limit` mails whose send window is over, and that the reader's server deferred until then."""
    return list(session.scalars(select(DeliveryRow.id).where(*_late(now), _was_answered()).limit(limit)))


def fail_late(session: Session, delivery_id: int, now: datetime) -> str | None:
    """Mark a mail as failed that the server deferred until its send window was over; returns the last reply.

    Returns None if it is not planned any more.
    """
    return session.scalar(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.PLANNED, DeliveryRow.send_by < now)
        .values(state=DeliveryState.FAILED, settled_at=now, not_before=None)
        .returning(DeliveryRow.smtp_response)
        .execution_options(synchronize_session=False)
    )


def cancel_failed(session: Session, delivery_id: int) -> None:
    """Cancel a lesson that has failed, so that it is sent again at the reader's next hour."""
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.FAILED)
        .values(state=DeliveryState.CANCELLED)
        .execution_options(synchronize_session=False)
    )
    rewind_enrolments(session, [delivery_id], due_since_planned=True)


def retry_failed(session: Session, subscriber_id: int, now: datetime) -> None:
    """Cancel failed lessons so that they are sent again, as mail to their reader arrives from now on.

    The caller decides when. Lessons that the reader used become accepted. Lessons that arrived in a later run of the
    course are left alone, and so are those of a completed run with a later run, which sends its own lessons.
    """
    failed_ones = (
        DeliveryRow.subscriber_id == subscriber_id,
        DeliveryRow.kind == DeliveryKind.LESSON,
        DeliveryRow.state == DeliveryState.FAILED,
    )
    session.execute(
        update(DeliveryRow)
        .where(
            *failed_ones, select(EmailEventRow.id).where(EmailEventRow.delivery_id == DeliveryRow.id, WAS_USED).exists()
        )
        .values(state=DeliveryState.ACCEPTED, settled_at=now, smtp_response=ARRIVED[DeliveryState.CANCELLED])
        .execution_options(synchronize_session=False)
    )
    later = aliased(DeliveryRow)
    came_later = select(later.id).where(
        later.subscriber_id == subscriber_id,
        later.lesson_id == DeliveryRow.lesson_id,
        later.id > DeliveryRow.id,
        later.state == DeliveryState.ACCEPTED,
    )
    failed = session.scalars(
        update(DeliveryRow)
        .where(*failed_ones, ~came_later.exists(), ~_later_run().exists())
        .values(state=DeliveryState.CANCELLED)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    rewind_enrolments(session, list(failed))


def _later_run() -> Select[int]:
    """SQL: runs of the same course that its reader began after the completed one of a delivery."""
    own, later = aliased(EnrolmentRow), aliased(EnrolmentRow)
    own_campaign, campaign = aliased(CampaignRow), aliased(CampaignRow)
    return (
        select(later.id)
        .join(campaign, campaign.id == later.campaign_id)
        .join(own, own.subscriber_id == later.subscriber_id)
        .join(own_campaign, own_campaign.id == own.campaign_id)
        .where(
            own.id == DeliveryRow.enrolment_id,
            own.status == EnrolmentStatus.COMPLETED,
            later.id > own.id,
            later.status != EnrolmentStatus.CANCELLED,
            campaign.course_id == own_campaign.course_id,
            campaign.sends_course,
        )
        .correlate(DeliveryRow)
    )


def forget_message_ids(session: Session, subscriber_id: int) -> None:
    """Give mails that are to be sent again a new Message-ID, as they go to another address."""
    session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.subscriber_id == subscriber_id,
            DeliveryRow.state.in_((DeliveryState.PLANNED, DeliveryState.CANCELLED)),
        )
        .values(message_id=null())
        .execution_options(synchronize_session=False)
    )


def tried(session: Session, enrolment_ids: Collection[int]) -> set[int]:
    """Return the enrolments with a mail that was cancelled after a server had deferred it."""
    rows = session.scalars(
        select(DeliveryRow.enrolment_id).where(
            DeliveryRow.enrolment_id.in_(enrolment_ids),
            DeliveryRow.state == DeliveryState.CANCELLED,
            DeliveryRow.attempts > 0,
        )
    )
    return {one for one in rows if one is not None}


def redate_latest(session: Session, enrolment: EnrolmentRow, zone: ZoneInfo) -> None:
    """Move the newest lesson of an enrolment to its local date in another time zone, if that is later.

    So nobody gets two lessons on one date because they moved to another zone.
    """
    newest = session.scalar(
        select(DeliveryRow)
        .where(DeliveryRow.enrolment_id == enrolment.id, DeliveryRow.local_date.is_not(None))
        .order_by(DeliveryRow.local_date.desc())
        .limit(1)
    )
    if newest is None or newest.local_date is None:
        return
    # The time at which its arrival was confirmed does not say when it went out.
    sent_at = newest.planned_at if newest.smtp_response in ARRIVED.values() else newest.settled_at or newest.planned_at
    date_there = sent_at.astimezone(zone).date()
    if date_there > newest.local_date:
        newest.local_date = date_there
        enrolment.last_local_date = max(date_there, enrolment.last_local_date or date_there)


def _cancel(session: Session, now: datetime, reason: str, *conditions: ColumnElement[bool]) -> list[int]:
    """Cancel the planned deliveries that match the conditions, and rewind their enrolments; returns the ids."""
    cancelled = _set_cancelled(session, now, reason, *conditions)
    rewind_enrolments(session, cancelled)
    return cancelled


def _set_cancelled(
    session: Session, now: datetime, reason: str, *conditions: ColumnElement[bool], **values: int
) -> list[int]:
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.state == DeliveryState.PLANNED, *conditions)
            .values(state=DeliveryState.CANCELLED, settled_at=now, not_before=None, smtp_response=reason, **values)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def rewind_enrolments(session: Session, cancelled: Sequence[int], *, due_since_planned: bool = False) -> None:
    """Set the enrolments of cancelled deliveries back to the lesson that did not arrive.

    The lesson no longer occupies its date: the wait for the next one counts from the lesson before it.
    `due_since_planned`: it is due again from when it was planned. Readers who completed a run of a course and left the
    course since get nothing more of it.

    One UPDATE per enrolment: a second one in the same transaction would make PostgreSQL check its foreign keys, and
    wait for a transaction that holds the person and waits for the enrolment.
    """
    if not cancelled:
        return
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id.in_(cancelled), DeliveryRow.local_date.is_not(None))
        .values(local_date=None)
        .execution_options(synchronize_session=False)
    )
    # Locked before the positions of lessons are read: publishing a course in another order changes both.
    lock_enrolments(session, cancelled)
    lesson = aliased(LessonRow)
    not_had = _of_enrolment(
        select(func.min(lesson.position)).join(DeliveryRow, DeliveryRow.lesson_id == lesson.id), cancelled
    )
    over = stays_finished()
    goes_on = and_(EnrolmentRow.status.in_((EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)), ~over)
    values: dict[str, object] = {
        "next_position": case(
            (and_(EnrolmentRow.next_position > not_had, ~over), not_had), else_=EnrolmentRow.next_position
        ),
        "status": case((goes_on, EnrolmentStatus.ACTIVE), else_=EnrolmentRow.status),
        "completed_at": case((over, EnrolmentRow.completed_at), else_=null()),
        "lessons_planned": EnrolmentRow.lessons_planned - _of_enrolment(select(func.count(DeliveryRow.id)), cancelled),
        "last_local_date": _of_enrolment(select(func.max(DeliveryRow.local_date))),
        "awaits_answer": false(),  # the lesson before it was answered, or its time for that is over
    }
    if due_since_planned:
        was_due = _of_enrolment(select(func.min(DeliveryRow.planned_at)), cancelled)
        values["next_due_at"] = case((goes_on, was_due), else_=EnrolmentRow.next_due_at)
    theirs = EnrolmentRow.id.in_(_enrolments_of(cancelled))
    session.execute(update(EnrolmentRow).where(theirs).values(values).execution_options(synchronize_session=False))


def lock_enrolments(session: Session, delivery_ids: Collection[int]) -> None:
    """Lock the enrolments of some deliveries. Waits for a planner that works on them."""
    theirs = EnrolmentRow.id.in_(_enrolments_of(delivery_ids))
    session.execute(select(EnrolmentRow.id).where(theirs).order_by(EnrolmentRow.id).with_for_update())


def _of_enrolment(query: Select[object], among: Sequence[int] | None = None) -> object:
    """SQL: `query` over the deliveries of the enrolment being updated; of those with the ids `among`, if given."""
    mine = query.where(DeliveryRow.enrolment_id == EnrolmentRow.id)
    if among is not None:
        mine = mine.where(DeliveryRow.id.in_(among))
    return mine.correlate(EnrolmentRow).scalar_subquery()


def _late(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return DeliveryRow.queue.in_([*DeliveryQueue]), DeliveryRow.not_before.is_not(None), DeliveryRow.send_by < now


def _was_answered() -> ColumnElement[bool]:
    """SQL: the last attempt ended with a reply (RFC 5321, 4.2), not with a broken connection."""
    return and_(
        DeliveryRow.attempts > 0, or_(DeliveryRow.smtp_response.like("4__ %"), DeliveryRow.smtp_response.like("5__ %"))
    )


def _enrolments_of(ids: Collection[int]) -> Select[int | None]:
    return select(DeliveryRow.enrolment_id).where(DeliveryRow.id.in_(ids))
