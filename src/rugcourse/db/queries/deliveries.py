"""Queries for deliveries: the history of a reader, and what an operator decides about an unknown one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, exists, func, null, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count, dialect_of, is_among, run
from rugcourse.db.models import (
    CampaignRow,
    CampaignStatus,
    DeliveryKind,
    DeliveryQueue,
    DeliveryRow,
    DeliveryState,
    LessonRow,
    SubscriberRow,
)

_AGAIN = "an operator sends it again"


class SentLesson(NamedTuple):
    """A lesson that was sent to a reader, the mail that contained it, and when (UTC)."""

    lesson_id: int
    delivery_id: int
    at: datetime


def by_idempotency_key(session: Session, idempotency_key: str) -> int | None:
    """Return the id of the mail with an idempotency key, or None."""
    return session.scalar(select(DeliveryRow.id).where(DeliveryRow.idempotency_key == idempotency_key))


def in_state(session: Session, state: DeliveryState, limit: int) -> Sequence[Any]:
    """Return (id, address, kind, lesson's slug or None, planned at, reply) of deliveries in a state, oldest first."""
    return session.execute(
        select(
            DeliveryRow.id,
            SubscriberRow.email,
            DeliveryRow.kind,
            LessonRow.slug,
            DeliveryRow.planned_at,
            DeliveryRow.smtp_response,
        )
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.state == state)
        .order_by(DeliveryRow.id)
        .limit(limit)
    ).all()


def cancel_unknown(session: Session, delivery_id: int, now: datetime) -> bool:
    """Cancel an unknown lesson or broadcast, so that it counts as not sent.

    It keeps its lease, as a journal that is read later may have its result. Returns False if it is another kind of
    mail, is no longer `unknown`, or its campaign was cancelled.
    """
    cancelled = session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id == delivery_id,
            DeliveryRow.state == DeliveryState.UNKNOWN,
            DeliveryRow.enrolment_id.is_not(None),
            DeliveryRow.campaign_id.not_in(
                select(CampaignRow.id).where(CampaignRow.status == CampaignStatus.CANCELLED)
            ),
        )
        .values(state=DeliveryState.CANCELLED, settled_at=now, smtp_response=_AGAIN, message_id=_message_id_again())
        .execution_options(synchronize_session=False)
    )
    return count(cancelled) == 1


def resend(session: Session, ids: Collection[int], now: datetime) -> list[int]:
    """Plan `unknown` mails that a person waits for again, with the same Message-ID; returns which.

    They keep their lease, as in `cancel_unknown`.
    """
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.state == DeliveryState.UNKNOWN,
                DeliveryRow.enrolment_id.is_(None),
            )
            .values(
                state=DeliveryState.PLANNED,
                not_before=now,
                send_by=None,
                settled_at=None,
                attempts=0,
                smtp_response=_AGAIN,
                message_id=_message_id_again(),
            )
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def _message_id_again() -> ColumnElement[str | None]:
    """SQL: the Message-ID of a mail that is sent again; NULL if the reader's address was corrected since."""
    moved = exists().where(
        SubscriberRow.id == DeliveryRow.subscriber_id, SubscriberRow.address_corrected_at >= DeliveryRow.settled_at
    )
    return case((moved, null()), else_=DeliveryRow.message_id)


def waiting_by_queue(session: Session, now: datetime) -> dict[DeliveryQueue, int]:
    """Count the planned deliveries that may go out now, per queue."""
    rows = session.execute(
        select(DeliveryRow.queue, func.count()).where(DeliveryRow.not_before <= now).group_by(DeliveryRow.queue)
    )
    return {DeliveryQueue(queue): waiting for queue, waiting in rows}


def due_since(session: Session, now: datetime) -> dict[DeliveryQueue, datetime]:
    """Return per queue since when (UTC) the oldest delivery waits that may go out now; nothing for empty queues."""
    rows = session.execute(
        select(DeliveryRow.queue, func.min(DeliveryRow.not_before))
        .where(DeliveryRow.not_before <= now)
        .group_by(DeliveryRow.queue)
    )
    return {DeliveryQueue(queue): since for queue, since in rows if since is not None}


def history(session: Session, subscriber_id: int) -> Sequence[Any]:
    """Return (delivery, lesson's slug or None) of a person's deliveries, oldest first."""
    return session.execute(
        select(DeliveryRow, LessonRow.slug)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
        .order_by(DeliveryRow.id)
    ).all()


def lessons_sent(session: Session, enrolment_id: int) -> list[SentLesson]:
    """Return the lessons of an enrolment that arrived as far as known, in the order in which they were planned."""
    rows = session.execute(
        select(DeliveryRow.lesson_id, DeliveryRow.id, func.coalesce(DeliveryRow.settled_at, DeliveryRow.planned_at))
        .where(
            DeliveryRow.enrolment_id == enrolment_id,
            DeliveryRow.lesson_id.is_not(None),
            DeliveryRow.lesson_version_id.is_not(None),
            DeliveryRow.state.in_((DeliveryState.ACCEPTED, DeliveryState.SUBMITTING)),
        )
        .order_by(DeliveryRow.id)
    )
    return [SentLesson(lesson_id or 0, delivery_id, at) for lesson_id, delivery_id, at in rows]


def lessons_planned(session: Session, enrolment_id: int) -> set[int]:
    """Return the lessons of an enrolment that are about to be sent."""
    rows = session.scalars(
        select(DeliveryRow.lesson_id).where(
            DeliveryRow.enrolment_id == enrolment_id, DeliveryRow.state == DeliveryState.PLANNED
        )
    )
    return {lesson_id for lesson_id in rows if lesson_id is not None}


def lessons_not_arrived(session: Session, enrolment_id: int) -> dict[int, str]:
    """Return lesson id → state of the lessons of an enrolment that were planned and did not arrive."""
    rows = session.execute(
        select(DeliveryRow.lesson_id, DeliveryRow.state).where(
            DeliveryRow.enrolment_id == enrolment_id,
            DeliveryRow.lesson_id.is_not(None),
            DeliveryRow.state.in_((DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.UNKNOWN)),
        )
    )
    return {lesson_id or 0: state for lesson_id, state in rows}


def latest_lessons(session: Session, subscriber_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Return (subscriber id, course id) → id of the newest lesson delivery."""
    rows = run(session, _latest_lessons(dialect_of(session)), {"ids": subscriber_ids})
    return {(subscriber_id, course_id): delivery_id for subscriber_id, course_id, delivery_id in rows}


@cache
def _latest_lessons(dialect: str) -> Select[int, int, int]:
    return (
        select(DeliveryRow.subscriber_id, CampaignRow.course_id, func.max(DeliveryRow.id))
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .where(
            is_among(DeliveryRow.subscriber_id, dialect),
            DeliveryRow.kind == DeliveryKind.LESSON,
            DeliveryRow.state == DeliveryState.ACCEPTED,
        )
        .group_by(DeliveryRow.subscriber_id, CampaignRow.course_id)
    )
