"""Queries that plan deliveries, and cancel them before they are sent.

Cancelling loses no lesson: the enrolment is rewound to it, and it is sent when the reader comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Executable, Select, and_, bindparam, func, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.db.bulk import as_rows, dialect_of, insert_from, rows_of, run, upsert
from rugcourse.db.models import (
    ASKING_MAIL,
    CampaignRow,
    DeliveryKind,
    DeliveryQueue,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.db.types import UtcDateTime

# For a lesson that its reader wants now: if it can't go out for so long, it goes out at their hour instead.
AHEAD_WITHIN = timedelta(hours=1)


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
    session: Session, kind: DeliveryKind, subscriber_id: int, campaign_id: int, idempotency_key: str, now: datetime
) -> bool:
    """Plan a mail that a person waits for. Returns False, and does nothing, if its idempotency
    key (`idempotency_key`) was used before.

    A mail that was cancelled is planned again; one that failed is sent once more.
    """
    if _plan_once(session, kind, subscriber_id, campaign_id, idempotency_key, now):
        return True
    failed = select(DeliveryRow.id).where(
        DeliveryRow.idempotency_key == idempotency_key, DeliveryRow.state == DeliveryState.FAILED
    )
    if session.scalar(failed) is None:
        return False
    return _plan_once(session, kind, subscriber_id, campaign_id, f"{idempotency_key}:again", now)


def _plan_once(
    session: Session, kind: DeliveryKind, subscriber_id: int, campaign_id: int, idempotency_key: str, now: datetime
) -> bool:
    anew = {
        "state": DeliveryState.PLANNED,
        "planned_at": now,
        "not_before": now,
        "attempts": 0,
        "smtp_response": None,
        "settled_at": None,
    }
    written = session.scalar(
        upsert(session, DeliveryRow)
        .values(
            kind=kind,
            queue=DeliveryQueue.TRANSACTIONAL,
            state=DeliveryState.PLANNED,
            subscriber_id=subscriber_id,
            campaign_id=campaign_id,
            idempotency_key=idempotency_key,
            planned_at=now,
            not_before=now,
            attempts=0,
        )
        .on_conflict_do_update(
            index_elements=["idempotency_key"],
            index_where=DeliveryRow.idempotency_key.is_not(None),
            set_=anew,
            where=DeliveryRow.state == DeliveryState.CANCELLED,
        )
        .returning(DeliveryRow.id)
    )
    return written is not None


def plan_reminder(session: Session, asked: DeliveryRow, send_by: datetime, now: datetime) -> bool:
    """Plan the reminder of a confirmation mail, to go out before `send_by`. Returns False if it ever was planned."""
    written = session.scalar(
        upsert(session, DeliveryRow)
        .values(
            kind=DeliveryKind.REMINDER,
            queue=DeliveryQueue.TRANSACTIONAL,
            state=DeliveryState.PLANNED,
            subscriber_id=asked.subscriber_id,
            campaign_id=asked.campaign_id,
            idempotency_key=f"{DeliveryKind.REMINDER}:{asked.id}",
            planned_at=now,
            not_before=now,
            send_by=send_by,
            attempts=0,
        )
        .on_conflict_do_nothing(
            index_elements=["idempotency_key"], index_where=DeliveryRow.idempotency_key.is_not(None)
        )
        .returning(DeliveryRow.id)
    )
    return written is not None


def reminded_of(session: Session, reminder_ids: Collection[int]) -> dict[int, int]:
    """Return reminder id → id of the newest confirmation mail before it, for the same person and course."""
    asked = aliased(DeliveryRow)
    newest = (
        select(func.max(asked.id))
        .where(
            asked.subscriber_id == DeliveryRow.subscriber_id,
            asked.campaign_id == DeliveryRow.campaign_id,
            asked.kind == DeliveryKind.CONFIRM,
            asked.id < DeliveryRow.id,
        )
        .correlate(DeliveryRow)
        .scalar_subquery()
    )
    rows = session.execute(select(DeliveryRow.id, newest).where(DeliveryRow.id.in_(reminder_ids)))
    return {reminder_id: asked_id for reminder_id, asked_id in rows if asked_id is not None}


def asked_to_confirm(session: Session, subscriber_id: int, since: datetime) -> Sequence[datetime]:
    """Return when (UTC) mails asking a person to confirm were planned, since an instant; also reminders."""
    asked = select(DeliveryRow.planned_at).where(
        DeliveryRow.subscriber_id == subscriber_id,
        DeliveryRow.kind.in_(ASKING_MAIL),
        DeliveryRow.planned_at >= since,
    )
    return session.scalars(asked).all()


def signup_mails_since(session: Session, subscriber_id: int, campaign_id: int, since: datetime) -> Sequence[datetime]:
    """Return when (UTC) mails told a reader that somebody signed them up for a campaign, since an instant."""
    sent = select(DeliveryRow.planned_at).where(
        DeliveryRow.subscriber_id == subscriber_id,
        DeliveryRow.kind.in_((*ASKING_MAIL, DeliveryKind.ALREADY_SUBSCRIBED)),
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
        idempotency_key = f"confirm:{asked.subscriber_id}:after:{asked.id}"
        plan_transactional(session, DeliveryKind.CONFIRM, asked.subscriber_id, asked.campaign_id, idempotency_key, now)


def plan_early(
    session: Session, enrolment: EnrolmentRow, lesson_id: int, today: date, idempotency_key: str, now: datetime
) -> bool:
    """Plan the next lesson of an enrolment as a mail that its reader waits for. A cancelled one is planned again.

    It counts as the lesson of `today`, unless there was one. Returns False, and does nothing, if `idempotency_key` was
    used or the reader has had the lesson. The caller has locked the enrolment.
    """
    if is_planned_once(session, idempotency_key):
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
    row.queue, row.state, row.idempotency_key, row.attempts = (
        DeliveryQueue.TRANSACTIONAL,
        DeliveryState.PLANNED,
        idempotency_key,
        0,
    )
    row.local_date, row.planned_at, row.not_before = local_date, now, now
    row.send_by, row.settled_at, row.smtp_response = now + AHEAD_WITHIN, None, None
    session.flush()
    return True


def can_plan(session: Session, enrolment_id: int, lesson_id: int) -> bool:
    """Whether a lesson can be planned for an enrolment: it never was, or it was cancelled."""
    return _is_free(
        session.scalar(
            select(DeliveryRow).where(DeliveryRow.enrolment_id == enrolment_id, DeliveryRow.lesson_id == lesson_id)
        )
    )


def is_planned_once(session: Session, idempotency_key: str) -> bool:
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.idempotency_key == idempotency_key)) is not None


def is_lesson(session: Session, delivery_id: int) -> bool:
    kind = session.scalar(select(DeliveryRow.kind).where(DeliveryRow.id == delivery_id))
    return kind == DeliveryKind.LESSON


def postpone(session: Session, delivery_id: int, not_before: datetime, reason: str) -> None:
    """Postpone a planned delivery."""
    session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.PLANNED)
        .values(not_before=not_before, smtp_response=reason)
        .execution_options(synchronize_session=False)
    )


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
    is_reminder = DeliveryRow.kind == DeliveryKind.REMINDER
    is_other = ~or_(asked, is_reminder, is_lesson)
    return or_(
        and_(is_reminder, _there_is(person.where(*_still_to_confirm())), ~_there_is(_follows_course())),
        and_(asked, _there_is(person.where(SubscriberRow.status.in_(_MAY_ASK)))),
        and_(is_lesson, reads_on),
        and_(is_other, _there_is(person.where(SubscriberRow.status == SubscriberStatus.ACTIVE))),
    )


def _still_to_confirm() -> tuple[ColumnElement[bool], ...]:
    """SQL: the person may be asked to confirm, and did not leave or close their links since the mail was planned."""
    ends = (SubscriberRow.left_at, SubscriberRow.links_revoked_at)
    return (
        SubscriberRow.status.in_(_MAY_ASK),
        *(or_(end.is_(None), end < DeliveryRow.planned_at) for end in ends),
    )


def _follows_course() -> Select[int]:
    """SQL: an active reader has the course of the mail, in whichever campaign."""
    own = aliased(CampaignRow)
    return (
        select(literal(1))
        .select_from(EnrolmentRow)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
        .join(own, own.course_id == CampaignRow.course_id)
        .where(
            EnrolmentRow.subscriber_id == DeliveryRow.subscriber_id,
            EnrolmentRow.status.in_((EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)),
            SubscriberRow.status == SubscriberStatus.ACTIVE,
            CampaignRow.sends_course,
            own.id == DeliveryRow.campaign_id,
        )
        .correlate(DeliveryRow)
    )


def _is_free(row: DeliveryRow | None) -> bool:
    return row is None or row.state == DeliveryState.CANCELLED


@cache
def _planning(dialect: str) -> Executable:
    now = bindparam("now", type_=UtcDateTime())
    new = rows_of(DeliveryRow, ("lesson_id", "local_date", "send_by"), dialect)
    values: dict[str, object] = {
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
        "smtp_response": None,
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
