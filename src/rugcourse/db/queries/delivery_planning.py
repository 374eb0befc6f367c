"""Queries that plan deliveries, and cancel them before they are sent.

Cancelling loses no lesson: the enrolment is rewound to it, and it is sent when the reader comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, null, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.db.bulk import as_rows, count, dialect_of, insert_from, rows_of, run, upsert
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    DeliveryKind,
    DeliveryQueue,
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EnrolmentRow,
    EnrolmentStatus,
    EventKind,
    LessonRow,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
    Verdict,
)
from rugcourse.db.queries.enrolments import stays_finished
from rugcourse.db.types import UtcDateTime

# For a lesson that its reader wants now: if it can't go out for so long, it goes out at their hour instead.
AHEAD_WITHIN = timedelta(hours=1)
# The reply of a delivery that its reader used while its result was in doubt, by the state that it had.
ARRIVED = {
    DeliveryState.UNKNOWN: "its reader used it, so it arrived",
    DeliveryState.PLANNED: "its reader used it before it was sent again, so it arrived",
    DeliveryState.CANCELLED: "its reader used it after it was given up, so it arrived",
}
# SQL: an event says that a human followed a link of a mail, answered in it, or unsubscribed by it.
_USES = (EventKind.CLICK, EventKind.ANSWER, EventKind.UNSUBSCRIBE)
WAS_USED = and_(EmailEventRow.kind.in_(_USES), EmailEventRow.verdict == Verdict.HUMAN)
_TOO_LATE = "its hour passed before it could be sent"
# Who may be sent mails that they asked for themselves: a confirmation, or a magic link.
_MAY_ASK = (SubscriberStatus.PENDING, SubscriberStatus.ACTIVE, SubscriberStatus.LEFT)


class LessonOfDay(NamedTuple):
    """A lesson on a local date, to be sent before `send_by` (UTC) or not on that day."""

    lesson_id: int
    local_date: date
    send_by: datetime


def plan_lessons(
    session: Session,
    lessons: Mapping[LessonOfDay, Sequence[int]],
    now: datetime,
    kind: DeliveryKind = DeliveryKind.LESSON,
) -> set[int]:
    """Insert deliveries, or plan cancelled ones again, for lesson → the enrolments that get it.

    Returns the enrolments for which that was done; the others had this lesson already.
    """
    if not lessons:
        return set()
    rows = (
        (ids, {"lesson_id": one.lesson_id, "local_date": one.local_date, "send_by": one.send_by})
        for one, ids in lessons.items()
    )
    parameters = {"now": now, "kind": kind, "rows": as_rows(session, DeliveryRow, rows)}
    return set(run(session, _planning(dialect_of(session)), parameters).scalars())


def plan_transactional(
    session: Session, kind: DeliveryKind, subscriber_id: int, campaign_id: int, once_key: str, now: datetime
) -> bool:
    """Plan a mail that a person waits for. Returns False, and does nothing, if its idempotency
    key (`once_key`) was used before.

    A mail that was cancelled is planned again; one that failed is sent once more.
    """
    if _plan_once(session, kind, subscriber_id, campaign_id, once_key, now):
        return True
    failed = select(DeliveryRow.id).where(DeliveryRow.once_key == once_key, DeliveryRow.state == DeliveryState.FAILED)
    if session.scalar(failed) is None:
        return False
    return _plan_once(session, kind, subscriber_id, campaign_id, f"{once_key}:again", now)


def _plan_once(
    session: Session, kind: DeliveryKind, subscriber_id: int, campaign_id: int, once_key: str, now: datetime
) -> bool:
    anew = {
        "state": DeliveryState.PLANNED,
        "planned_at": now,
        "not_before": now,
        "attempts": 0,
        "reply": None,
        "settled_at": None,
    }
    result = session.execute(
        upsert(session, DeliveryRow)
        .values(
            kind=kind,
            queue=DeliveryQueue.TRANSACTIONAL,
            state=DeliveryState.PLANNED,
            subscriber_id=subscriber_id,
            campaign_id=campaign_id,
            once_key=once_key,
            planned_at=now,
            not_before=now,
            attempts=0,
        )
        .on_conflict_do_update(
            index_elements=["once_key"],
            index_where=DeliveryRow.once_key.is_not(None),
            set_=anew,
            where=DeliveryRow.state == DeliveryState.CANCELLED,
        )
    )
    return count(result) == 1


def asked_to_confirm(session: Session, subscriber_id: int, since: datetime) -> Sequence[datetime]:
    """Return when (UTC) confirmation mails to a person were planned, since an instant."""
    asked = select(DeliveryRow.planned_at).where(
        DeliveryRow.subscriber_id == subscriber_id,
        DeliveryRow.kind == DeliveryKind.CONFIRM,
        DeliveryRow.planned_at >= since,
    )
    return session.scalars(asked).all()


def signup_mails_since(session: Session, subscriber_id: int, campaign_id: int, since: datetime) -> Sequence[datetime]:
    """Return when (UTC) mails told a reader that somebody signed them up for a campaign, since an instant."""
    sent = select(DeliveryRow.planned_at).where(
        DeliveryRow.subscriber_id == subscriber_id,
        DeliveryRow.kind.in_((DeliveryKind.CONFIRM, DeliveryKind.ALREADY_SUBSCRIBED)),
        DeliveryRow.campaign_id == campaign_id,
        DeliveryRow.planned_at >= since,
    )
    return session.scalars(sent).all()


def newest_asked(session: Session, subscriber_id: int) -> Sequence[DeliveryRow]:
    """Return the newest confirmation mail to a person for each campaign."""
    newest = (
        select(func.max(DeliveryRow.id))
        .where(DeliveryRow.subscriber_id == subscriber_id, DeliveryRow.kind == DeliveryKind.CONFIRM)
        .group_by(DeliveryRow.campaign_id)
    )
    return session.scalars(select(DeliveryRow).where(DeliveryRow.id.in_(newest)).order_by(DeliveryRow.id)).all()


def ask_again(session: Session, asked: DeliveryRow, now: datetime) -> None:
    """Plan a confirmation mail again, unless it has not gone out yet."""
    if asked.state != DeliveryState.PLANNED and asked.campaign_id is not None:
        once_key = f"confirm:{asked.subscriber_id}:after:{asked.id}"
        plan_transactional(session, DeliveryKind.CONFIRM, asked.subscriber_id, asked.campaign_id, once_key, now)


def plan_early(
    session: Session, enrolment: EnrolmentRow, lesson_id: int, today: date, once_key: str, now: datetime
) -> bool:
    """Plan the next lesson of an enrolment as a mail that its reader waits for. A cancelled one is planned again.

    It counts as the lesson of `today`, unless there was one. Returns False, and does nothing, if `once_key` was used
    or the reader has had the lesson. The caller has locked the enrolment.
    """
    if is_planned_once(session, once_key):
        return False
    mine = DeliveryRow.enrolment_id == enrolment.id
    row = session.scalar(select(DeliveryRow).where(mine, DeliveryRow.lesson_id == lesson_id))
    if not _is_free(row):
        return False
    others_today = select(DeliveryRow.id).where(
        mine, DeliveryRow.local_date == today, DeliveryRow.lesson_id != lesson_id
    )
    local_date = today if session.scalar(others_today) is None else None
    if row is None:
        row = DeliveryRow(kind=DeliveryKind.LESSON, enrolment_id=enrolment.id, lesson_id=lesson_id)
        row.subscriber_id, row.campaign_id = enrolment.subscriber_id, enrolment.campaign_id
        session.add(row)
    row.queue, row.state, row.once_key, row.attempts = DeliveryQueue.TRANSACTIONAL, DeliveryState.PLANNED, once_key, 0
    row.local_date, row.planned_at, row.not_before = local_date, now, now
    row.send_by, row.settled_at, row.reply = now + AHEAD_WITHIN, None, None
    session.flush()
    return True


def can_plan(session: Session, enrolment_id: int, lesson_id: int) -> bool:
    """Whether a lesson can be planned for an enrolment: it never was, or it was cancelled."""
    return _is_free(
        session.scalar(
            select(DeliveryRow).where(DeliveryRow.enrolment_id == enrolment_id, DeliveryRow.lesson_id == lesson_id)
        )
    )


def is_planned_once(session: Session, once_key: str) -> bool:
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.once_key == once_key)) is not None


def is_lesson(session: Session, delivery_id: int) -> bool:
    kind = session.scalar(select(DeliveryRow.kind).where(DeliveryRow.id == delivery_id))
    return kind == DeliveryKind.LESSON


def postpone(session: Session, delivery_id: int, not_before: datetime, reason: str) -> None:
    """Postpone a planned delivery."""
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.PLANNED)
        .values(not_before=not_before, reply=reason)
        .execution_options(synchronize_session=False)
    )


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
        .returning(DeliveryRow.reply)
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
        .values(state=DeliveryState.ACCEPTED, settled_at=now, reply=ARRIVED[DeliveryState.CANCELLED])
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
            campaign.kind != CampaignKind.BROADCAST,
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
    sent_at = newest.planned_at if newest.reply in ARRIVED.values() else newest.settled_at or newest.planned_at
    date_there = sent_at.astimezone(zone).date()
    if date_there > newest.local_date:
        newest.local_date = date_there
        enrolment.last_local_date = max(date_there, enrolment.last_local_date or date_there)


def still_wanted(queue: DeliveryQueue, now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """SQL: the person may be sent a mail of this queue now."""
    person = select(literal(1)).select_from(SubscriberRow).where(SubscriberRow.id == DeliveryRow.subscriber_id)
    reads_on = _there_is(
        person.join(ScheduleRow, ScheduleRow.subscriber_id == SubscriberRow.id)
        .join(EnrolmentRow, EnrolmentRow.subscriber_id == SubscriberRow.id)
        .where(
            EnrolmentRow.id == DeliveryRow.enrolment_id,
            SubscriberRow.status == SubscriberStatus.ACTIVE,
            EnrolmentRow.status != EnrolmentStatus.LEFT,
            or_(ScheduleRow.paused.is_(False), ScheduleRow.paused_until <= now),
        )
    )
    if queue == DeliveryQueue.LESSONS:
        return reads_on
    is_lesson = DeliveryRow.kind == DeliveryKind.LESSON  # one that its reader asked for now
    asked = DeliveryRow.kind.in_((DeliveryKind.CONFIRM, DeliveryKind.MAGIC_LINK))
    return or_(
        and_(asked, _there_is(person.where(SubscriberRow.status.in_(_MAY_ASK)))),
        and_(is_lesson, reads_on),
        and_(~asked, ~is_lesson, _there_is(person.where(SubscriberRow.status == SubscriberStatus.ACTIVE))),
    )


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
            .values(state=DeliveryState.CANCELLED, settled_at=now, not_before=None, reply=reason, **values)
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
    values: dict[str, Any] = {
        "next_position": case(
            (and_(EnrolmentRow.next_position > not_had, ~over), not_had), else_=EnrolmentRow.next_position
        ),
        "status": case((goes_on, EnrolmentStatus.ACTIVE), else_=EnrolmentRow.status),
        "completed_at": case((over, EnrolmentRow.completed_at), else_=null()),
        "lessons_planned": EnrolmentRow.lessons_planned - _of_enrolment(select(func.count(DeliveryRow.id)), cancelled),
        "last_local_date": _of_enrolment(select(func.max(DeliveryRow.local_date))),
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


def _of_enrolment(query: Select[Any], among: Sequence[int] | None = None) -> Any:
    """SQL: `query` over the deliveries of the enrolment being updated; of those with the ids `among`, if given."""
    mine = query.where(DeliveryRow.enrolment_id == EnrolmentRow.id)
    if among is not None:
        mine = mine.where(DeliveryRow.id.in_(among))
    return mine.correlate(EnrolmentRow).scalar_subquery()


def _late(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return DeliveryRow.queue.in_([*DeliveryQueue]), DeliveryRow.not_before.is_not(None), DeliveryRow.send_by < now


def _was_answered() -> ColumnElement[bool]:
    """SQL: the last attempt ended with a reply (RFC 5321, 4.2), not with a broken connection."""
    return and_(DeliveryRow.attempts > 0, or_(DeliveryRow.reply.like("4__ %"), DeliveryRow.reply.like("5__ %")))


def _is_free(row: DeliveryRow | None) -> bool:
    return row is None or row.state == DeliveryState.CANCELLED


@cache
def _planning(dialect: str) -> Any:
    now = bindparam("now", type_=UtcDateTime())
    new = rows_of(DeliveryRow, ("lesson_id", "local_date", "send_by"), dialect)
    values: dict[str, Any] = {
        "kind": bindparam("kind"),
        "queue": literal(DeliveryQueue.LESSONS),
        "state": literal(DeliveryState.PLANNED),
        "subscriber_id": EnrolmentRow.subscriber_id,
        "campaign_id": EnrolmentRow.campaign_id,
        "enrolment_id": EnrolmentRow.id,
        **new.values,
        "planned_at": now,
        "not_before": now,
        "attempts": literal(0),
    }
    statement = insert_from(DeliveryRow, values, new.about(EnrolmentRow.__table__.c.id), dialect)
    revived = {
        "queue": DeliveryQueue.LESSONS,
        "state": DeliveryState.PLANNED,
        "local_date": statement.excluded.local_date,
        "planned_at": now,
        "not_before": now,
        "send_by": statement.excluded.send_by,
        "attempts": 0,
        "reply": None,
        "settled_at": None,
    }
    return statement.on_conflict_do_update(
        index_elements=["enrolment_id", "lesson_id"],
        set_=revived,
        where=DeliveryRow.state == DeliveryState.CANCELLED,
    ).returning(DeliveryRow.enrolment_id)


def _there_is(query: Select[int]) -> ColumnElement[bool]:
    """SQL: as EXISTS, but looked up row by row: planners turn EXISTS into a join, and read whole tables for a batch."""
    return query.limit(1).scalar_subquery().is_not(None)


def _enrolments_of(ids: Collection[int]) -> Select[int | None]:
    return select(DeliveryRow.enrolment_id).where(DeliveryRow.id.in_(ids))
