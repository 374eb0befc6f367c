"""The ledger's beginning and its early ends: what is planned, and what is cancelled before it was sent.

Cancelling loses no lesson: the enrolment steps back to it, and it comes when its reader does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.store.statements import as_rows, count, dialect_of, insert_from, rows_of, run, upsert
from rugcourse.store.tables import (
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    LessonRow,
    Queue,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.store.types import UtcDateTime

# Who may be sent what they asked for themselves: a question whether they mean it, a link to their own page.
_MAY_ASK = (SubscriberStatus.PENDING, SubscriberStatus.ACTIVE, SubscriberStatus.LEFT)


class LessonOfDay(NamedTuple):
    """A lesson for one of its readers' dates, to be sent by an instant (UTC) or not that day."""

    lesson_id: int
    local_date: date
    send_by: datetime


def plan_lessons(
    session: Session,
    lessons: Mapping[LessonOfDay, Sequence[int]],
    now: datetime,
    kind: DeliveryKind = DeliveryKind.LESSON,
) -> set[int]:
    """Insert deliveries: lesson → the enrolments that get it. Or bring back the cancelled one that a pause had stopped.

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


def plan_waiting(
    session: Session, kind: DeliveryKind, subscriber_id: int, campaign_id: int, once_key: str, now: datetime
) -> bool:
    """Plan a mail that a person waits for. Does nothing, and returns False, when `once_key` was used before."""
    result = session.execute(
        upsert(session, DeliveryRow)
        .values(
            kind=kind,
            queue=Queue.WAITING,
            state=DeliveryState.PLANNED,
            subscriber_id=subscriber_id,
            campaign_id=campaign_id,
            once_key=once_key,
            planned_at=now,
            not_before=now,
            attempts=0,
        )
        .on_conflict_do_nothing(index_elements=["once_key"], index_where=DeliveryRow.once_key.is_not(None))
    )
    return count(result) == 1


def plan_ahead(
    session: Session, enrolment: EnrolmentRow, lesson_id: int, today: date, once_key: str, now: datetime
) -> bool:
    """Plan the next lesson of an enrolment as a mail that its reader waits for; one that was cancelled comes back.

    It takes the place of `today`'s, unless there was one. Returns False, and does nothing, when `once_key` was used, or
    when the reader has had the lesson. The enrolment is locked.
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
    row.queue, row.state, row.once_key, row.attempts = Queue.WAITING, DeliveryState.PLANNED, once_key, 0
    row.local_date, row.planned_at, row.not_before = local_date, now, now
    row.send_by = row.settled_at = row.reply = None
    session.flush()
    return True


def is_free(session: Session, enrolment_id: int, lesson_id: int) -> bool:
    """Whether a lesson can still be planned for an enrolment: it never was, or was cancelled before it went."""
    return _is_free(
        session.scalar(
            select(DeliveryRow).where(DeliveryRow.enrolment_id == enrolment_id, DeliveryRow.lesson_id == lesson_id)
        )
    )


def is_planned_once(session: Session, once_key: str) -> bool:
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.once_key == once_key)) is not None


def put_off(session: Session, delivery_id: int, not_before: datetime, reason: str) -> None:
    """Leave a planned delivery for later."""
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.PLANNED)
        .values(not_before=not_before, reply=reason)
        .execution_options(synchronize_session=False)
    )


def cancel_unwanted(session: Session, queue: Queue, ids: Sequence[int], now: datetime) -> list[int]:
    """Cancel those of `ids` that stand planned and that their reader does not want any more.

    The lesson itself is not lost: the enrolment steps back to it, and it comes when the reader does.
    """
    return _cancel(
        session, now, "the reader left, paused or is suppressed", DeliveryRow.id.in_(ids), ~still_wanted(queue, now)
    )


def cancel_planned(
    session: Session, subscriber_id: int, reason: str, now: datetime, *, enrolment_id: int | None = None
) -> list[int]:
    """Cancel what stands planned for a person who pauses or leaves, but for what they asked for themselves.

    Of one enrolment, if it is given.
    """
    theirs = [DeliveryRow.subscriber_id == subscriber_id, DeliveryRow.enrolment_id.is_not(None)]
    if enrolment_id is not None:
        theirs.append(DeliveryRow.enrolment_id == enrolment_id)
    return _cancel(session, now, reason, *theirs)


def cancel_for_good(session: Session, ids: Sequence[int], reason: str, now: datetime) -> list[int]:
    """Cancel those of `ids` that stand planned, of a campaign that is over."""
    return _cancel(session, now, reason, DeliveryRow.id.in_(ids))


def cancel_late(session: Session, now: datetime, limit: int) -> list[int]:
    """Cancel up to `limit` lessons whose reader's hour is over, and that were never sent.

    They are due since they were planned: the rules of the calendar say what becomes of them.
    """
    late = (
        select(DeliveryRow.id)
        .where(DeliveryRow.queue == Queue.LESSONS, DeliveryRow.not_before.is_not(None), DeliveryRow.send_by < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    cancelled = _cancel(
        session, now, "its hour passed before it could be sent", DeliveryRow.id.in_(late.scalar_subquery())
    )
    if cancelled:
        was_due = (
            select(func.min(DeliveryRow.planned_at))
            .where(DeliveryRow.enrolment_id == EnrolmentRow.id, DeliveryRow.id.in_(cancelled))
            .correlate(EnrolmentRow)
            .scalar_subquery()
        )
        session.execute(
            update(EnrolmentRow)
            .where(EnrolmentRow.id.in_(_enrolments_of(cancelled)), EnrolmentRow.status == EnrolmentStatus.ACTIVE)
            .values(next_due_at=was_due)
            .execution_options(synchronize_session=False)
        )
    return cancelled


def still_wanted(queue: Queue, now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """SQL: the person may be written to, for a mail of this queue, at this moment."""
    person = select(literal(1)).select_from(SubscriberRow).where(SubscriberRow.id == DeliveryRow.subscriber_id)
    if queue == Queue.LESSONS:
        return _there_is(
            person.join(ScheduleRow, ScheduleRow.subscriber_id == SubscriberRow.id)
            .join(EnrolmentRow, EnrolmentRow.subscriber_id == SubscriberRow.id)
            .where(
                EnrolmentRow.id == DeliveryRow.enrolment_id,
                SubscriberRow.status == SubscriberStatus.ACTIVE,
                EnrolmentRow.status != EnrolmentStatus.LEFT,
                or_(ScheduleRow.paused.is_(False), ScheduleRow.paused_until <= now),
            )
        )
    asked = DeliveryRow.kind.in_((DeliveryKind.CONFIRM, DeliveryKind.LINK))
    return or_(
        and_(asked, _there_is(person.where(SubscriberRow.status.in_(_MAY_ASK)))),
        and_(~asked, _there_is(person.where(SubscriberRow.status == SubscriberStatus.ACTIVE))),
    )


def _cancel(session: Session, now: datetime, reason: str, *conditions: ColumnElement[bool]) -> list[int]:
    """Cancel what stands planned and meets the conditions; returns the ids."""
    cancelled = list(
        session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.state == DeliveryState.PLANNED, *conditions)
            .values(state=DeliveryState.CANCELLED, settled_at=now, not_before=None, reply=reason)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    step_back(session, cancelled)
    return cancelled


def step_back(session: Session, cancelled: Sequence[int]) -> None:
    """Set the enrolments of cancelled deliveries back to the lesson that was not sent."""
    if not cancelled:
        return
    mine = EnrolmentRow.id.in_(_enrolments_of(cancelled))
    lesson = aliased(LessonRow)
    missed = (
        select(func.min(lesson.position))
        .join(DeliveryRow, DeliveryRow.lesson_id == lesson.id)
        .where(DeliveryRow.enrolment_id == EnrolmentRow.id, DeliveryRow.id.in_(cancelled))
        .correlate(EnrolmentRow)
        .scalar_subquery()
    )
    session.execute(
        update(EnrolmentRow)
        .where(
            mine,
            EnrolmentRow.next_position > missed,
        )
        .values(next_position=missed, completed_at=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(EnrolmentRow)
        .where(mine, EnrolmentRow.status == EnrolmentStatus.COMPLETED)
        .values(status=EnrolmentStatus.ACTIVE)
        .execution_options(synchronize_session=False)
    )
    how_many = (
        select(func.count())
        .where(DeliveryRow.enrolment_id == EnrolmentRow.id, DeliveryRow.id.in_(cancelled))
        .correlate(EnrolmentRow)
        .scalar_subquery()
    )
    session.execute(
        update(EnrolmentRow)
        .where(mine)
        .values(lessons_planned=EnrolmentRow.lessons_planned - how_many)
        .execution_options(synchronize_session=False)
    )


def _is_free(row: DeliveryRow | None) -> bool:
    return row is None or row.state == DeliveryState.CANCELLED


@cache
def _planning(dialect: str) -> Any:
    now = bindparam("now", type_=UtcDateTime())
    new = rows_of(DeliveryRow, ("lesson_id", "local_date", "send_by"), dialect)
    values: dict[str, Any] = {
        "kind": bindparam("kind"),
        "queue": literal(Queue.LESSONS),
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
        "queue": Queue.LESSONS,
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


def _enrolments_of(ids: Sequence[int]) -> Select[int | None]:
    return select(DeliveryRow.enrolment_id).where(DeliveryRow.id.in_(ids))
