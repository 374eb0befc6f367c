"""The ledger's statements. What the states mean, and who moves a row when, is told in `rugcourse.delivery`.

Every step is a conditional UPDATE that carries the lease: a row it does not match belongs to somebody else by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Result, Select, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from rugcourse.store.statements import upsert
from rugcourse.store.tables import (
    CampaignRow,
    CourseRow,
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

_TO_CONFIRM = (SubscriberStatus.PENDING, SubscriberStatus.ACTIVE, SubscriberStatus.LEFT)


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """A lesson that goes out to one person on one of their dates."""

    campaign_id: int
    enrolment_id: int
    subscriber_id: int
    lesson_id: int
    local_date: date


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed delivery with all that its mail needs. The lesson's fields are None for other kinds."""

    id: int
    kind: DeliveryKind
    subscriber_id: int
    email: str
    name: str
    language: str
    measuring: bool
    course: str
    course_hash: str
    course_id: int
    lesson_version_id: int | None
    lesson_id: int | None
    attempts: int
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Pin:
    """What exactly is being sent, fixed at the moment of submitting."""

    delivery_id: int
    message_id: str
    language: str
    lesson_version_id: int | None
    recap_question: str | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a submission ended. `not_before` is for a delivery that goes back to planned."""

    delivery_id: int
    state: DeliveryState
    reply: str
    not_before: datetime | None = None


def plan_lessons(session: Session, lessons: Sequence[PlannedLesson], now: datetime) -> set[int]:
    """Insert deliveries, or bring back the cancelled one of a lesson that a pause had stopped.

    Returns the enrolments for which that was done; the others had this lesson already.
    """
    if not lessons:
        return set()
    statement = upsert(session, DeliveryRow)
    revived = {
        "state": DeliveryState.PLANNED,
        "local_date": statement.excluded.local_date,
        "planned_at": now,
        "not_before": now,
        "reply": None,
        "settled_at": None,
    }
    planned = session.scalars(
        statement.on_conflict_do_update(
            index_elements=["enrolment_id", "lesson_id"],
            set_=revived,
            where=DeliveryRow.state == DeliveryState.CANCELLED,
        ).returning(DeliveryRow.enrolment_id),
        [
            {
                "kind": DeliveryKind.LESSON,
                "queue": Queue.LESSONS,
                "state": DeliveryState.PLANNED,
                "subscriber_id": lesson.subscriber_id,
                "campaign_id": lesson.campaign_id,
                "enrolment_id": lesson.enrolment_id,
                "lesson_id": lesson.lesson_id,
                "local_date": lesson.local_date,
                "planned_at": now,
                "not_before": now,
                "attempts": 0,
            }
            for lesson in lessons
        ],
    )
    return {enrolment_id for enrolment_id in planned if enrolment_id is not None}


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
        .on_conflict_do_nothing(index_elements=["once_key"])
    )
    return _count(result) == 1


def claim(session: Session, queue: Queue, lease: str, now: datetime, until: datetime, limit: int) -> list[int]:
    """Take up to `limit` planned deliveries under `lease`."""
    candidates = (
        select(DeliveryRow.id)
        .where(DeliveryRow.queue == queue, DeliveryRow.state == DeliveryState.PLANNED, DeliveryRow.not_before <= now)
        .order_by(DeliveryRow.not_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(candidates.scalar_subquery()), DeliveryRow.state == DeliveryState.PLANNED)
            .values(state=DeliveryState.CLAIMED, lease=lease, lease_until=until)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def load_outgoing(session: Session, ids: Sequence[int]) -> list[Outgoing]:
    rows: Iterable[Any] = session.execute(
        select(
            DeliveryRow.id,
            DeliveryRow.kind,
            SubscriberRow.id,
            SubscriberRow.email,
            SubscriberRow.name,
            SubscriberRow.language,
            SubscriberRow.measuring,
            CourseRow.slug,
            CourseRow.content_hash,
            CourseRow.id,
            func.coalesce(DeliveryRow.lesson_version_id, LessonRow.current_version_id),
            DeliveryRow.lesson_id,
            DeliveryRow.attempts,
            DeliveryRow.message_id,
        )
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.id.in_(ids))
    )
    return [Outgoing(row[0], DeliveryKind(row[1]), *row[2:]) for row in rows]


def submit(session: Session, lease: str, pins: Sequence[Pin], now: datetime) -> set[int]:
    """Move claimed deliveries to `submitting`; returns those that may really be sent.

    Whether the person still wants the mail is looked at in the same UPDATE. What is sent is pinned in the same
    transaction. A delivery that is pinned already, from an earlier attempt, keeps its Message-ID: it is the same one.
    """
    session.execute(
        update(DeliveryRow.__table__)  # type: ignore[arg-type]
        .where(DeliveryRow.id == bindparam("b_id"), DeliveryRow.lease == lease)
        .values(
            message_id=bindparam("b_message_id"),
            language=bindparam("b_language"),
            lesson_version_id=bindparam("b_lesson_version_id"),
            recap_question=bindparam("b_recap_question"),
        ),
        [
            {
                "b_id": pin.delivery_id,
                "b_message_id": pin.message_id,
                "b_language": pin.language,
                "b_lesson_version_id": pin.lesson_version_id,
                "b_recap_question": pin.recap_question,
            }
            for pin in pins
        ],
    )
    return set(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_([pin.delivery_id for pin in pins]),
                DeliveryRow.lease == lease,
                DeliveryRow.lease_until > now,
                DeliveryRow.state == DeliveryState.CLAIMED,
                _still_wanted(now),
            )
            .values(state=DeliveryState.SUBMITTING, attempts=DeliveryRow.attempts + 1)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def cancel_unwanted(session: Session, lease: str, ids: Sequence[int], now: datetime) -> list[int]:
    """Cancel those of `ids` that were claimed under `lease` and that their reader does not want any more.

    The lesson itself is not lost: the enrolment steps back to it, and it comes when the reader does.
    """
    cancelled = list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.lease == lease,
                DeliveryRow.state == DeliveryState.CLAIMED,
                ~_still_wanted(now),
            )
            .values(
                state=DeliveryState.CANCELLED,
                settled_at=now,
                reply="the reader left, paused or is suppressed",
                lease=None,
                lease_until=None,
            )
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    step_back(session, cancelled)
    return cancelled


def cancel_planned(session: Session, subscriber_id: int, reason: str, now: datetime) -> list[int]:
    """Cancel what stands planned for a person who pauses or leaves."""
    cancelled = list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.subscriber_id == subscriber_id,
                DeliveryRow.kind == DeliveryKind.LESSON,
                DeliveryRow.state == DeliveryState.PLANNED,
            )
            .values(state=DeliveryState.CANCELLED, settled_at=now, reply=reason)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    step_back(session, cancelled)
    return cancelled


def cancel_late(session: Session, planned_before: datetime, now: datetime, limit: int) -> list[int]:
    """Cancel up to `limit` lessons whose hour has passed while nothing could be sent.

    They are due again at their reader's next hour.
    """
    late = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.queue == Queue.LESSONS,
            DeliveryRow.state == DeliveryState.PLANNED,
            DeliveryRow.planned_at < planned_before,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    cancelled = list(
        session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(late.scalar_subquery()), DeliveryRow.state == DeliveryState.PLANNED)
            .values(state=DeliveryState.CANCELLED, settled_at=now, reply="its hour passed before it could be sent")
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    step_back(session, cancelled)
    if cancelled:
        session.execute(
            update(EnrolmentRow)
            .where(EnrolmentRow.id.in_(_enrolments_of(cancelled)), EnrolmentRow.status == EnrolmentStatus.ACTIVE)
            .values(next_due_at=now)
            .execution_options(synchronize_session=False)
        )
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


def settle(session: Session, lease: str, settlements: Sequence[Settlement], now: datetime) -> int:
    """Write down how submissions ended; returns how many were still ours to settle.

    An `unknown` may still become what it really was: a late answer under the same lease is evidence.
    """
    if not settlements:
        return 0
    result = session.execute(
        update(DeliveryRow.__table__)  # type: ignore[arg-type]
        .where(
            DeliveryRow.id == bindparam("b_id"),
            DeliveryRow.lease == lease,
            # No IN here: many rows go in one statement, which can't have a list in it.
            or_(DeliveryRow.state == DeliveryState.SUBMITTING, DeliveryRow.state == DeliveryState.UNKNOWN),
        )
        .values(
            state=bindparam("b_state"),
            reply=bindparam("b_reply"),
            settled_at=bindparam("b_settled_at"),
            not_before=func.coalesce(bindparam("b_not_before"), DeliveryRow.not_before),
            lease_until=None,
        ),
        [
            {
                "b_id": one.delivery_id,
                "b_state": one.state,
                "b_reply": one.reply[:500],
                "b_settled_at": None if one.state == DeliveryState.PLANNED else now,
                "b_not_before": one.not_before,
            }
            for one in settlements
        ],
    )
    return _count(result)


def give_back(session: Session, lease: str, not_before: datetime, reason: str, ids: Iterable[int] | None = None) -> int:
    """Return deliveries that were surely not begun to planned, as if never claimed. `ids` None: all under the lease."""
    mine = [DeliveryRow.lease == lease, DeliveryRow.state.in_((DeliveryState.CLAIMED, DeliveryState.SUBMITTING))]
    if ids is not None:
        mine.append(DeliveryRow.id.in_(list(ids)))
    result = session.execute(
        update(DeliveryRow)
        .where(*mine)
        .values(state=DeliveryState.PLANNED, lease=None, lease_until=None, not_before=not_before, reply=reason)
        .execution_options(synchronize_session=False)
    )
    return _count(result)


def expire_leases(session: Session, now: datetime) -> tuple[int, list[int]]:
    """Take back what silent workers hold: claimed → planned, submitting → unknown.

    Returns how many went back and which became unknown. A submission that may have been accepted is never repeated: a
    second mail can't be recalled, a visible gap can be filled.
    """
    back = session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.state == DeliveryState.CLAIMED, DeliveryRow.lease_until <= now)
        .values(state=DeliveryState.PLANNED, lease=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
    unknown = session.scalars(
        update(DeliveryRow)
        .where(DeliveryRow.state == DeliveryState.SUBMITTING, DeliveryRow.lease_until <= now)
        .values(state=DeliveryState.UNKNOWN, settled_at=now, reply="the worker that was sending it fell silent")
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    return _count(back), list(unknown)


def doubt(session: Session, lease: str, ids: Sequence[int], now: datetime) -> list[int]:
    """Mark submissions that were begun and never answered as unknown; returns those that were still open."""
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(ids), DeliveryRow.lease == lease, DeliveryRow.state == DeliveryState.SUBMITTING)
            .values(
                state=DeliveryState.UNKNOWN,
                settled_at=now,
                lease_until=None,
                reply="the worker that was sending it ended before the server answered",
            )
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )


def settle_by_evidence(session: Session, delivery_id: int, now: datetime) -> bool:
    """A reader did something with an `unknown` mail, so it arrived."""
    result = session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.UNKNOWN)
        .values(state=DeliveryState.ACCEPTED, settled_at=now, reply="its reader used it, so it arrived")
        .execution_options(synchronize_session=False)
    )
    return _count(result) == 1


def waiting_by_queue(session: Session, now: datetime) -> dict[Queue, int]:
    """How many deliveries stand planned and may go now, per queue."""
    rows = session.execute(
        select(DeliveryRow.queue, func.count())
        .where(DeliveryRow.state == DeliveryState.PLANNED, DeliveryRow.not_before <= now)
        .group_by(DeliveryRow.queue)
    )
    return {Queue(queue): count for queue, count in rows}


def history(session: Session, subscriber_id: int) -> Sequence[Any]:
    """A person's deliveries, oldest first: (delivery, lesson's slug or None)."""
    return session.execute(
        select(DeliveryRow, LessonRow.slug)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.subscriber_id == subscriber_id)
        .order_by(DeliveryRow.id)
    ).all()


def latest_lesson(session: Session, subscriber_id: int, course_id: int) -> int | None:
    """The id of the newest lesson delivery that a person got from a course."""
    return session.scalar(
        select(func.max(DeliveryRow.id))
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .where(
            DeliveryRow.subscriber_id == subscriber_id,
            DeliveryRow.kind == DeliveryKind.LESSON,
            DeliveryRow.state == DeliveryState.ACCEPTED,
            CampaignRow.course_id == course_id,
        )
    )


def _still_wanted(now: datetime) -> ColumnElement[bool]:
    """SQL: the person may be written to, for this kind of mail, at this moment."""
    lesson_wanted = exists(
        select(1)
        .select_from(SubscriberRow)
        .join(ScheduleRow, ScheduleRow.subscriber_id == SubscriberRow.id)
        .join(EnrolmentRow, EnrolmentRow.subscriber_id == SubscriberRow.id)
        .where(
            SubscriberRow.id == DeliveryRow.subscriber_id,
            EnrolmentRow.id == DeliveryRow.enrolment_id,
            SubscriberRow.status == SubscriberStatus.ACTIVE,
            EnrolmentRow.status != EnrolmentStatus.LEFT,
            or_(ScheduleRow.paused.is_(False), ScheduleRow.paused_until <= now),
        )
    )

    def with_status(*statuses: SubscriberStatus) -> ColumnElement[bool]:
        return exists(
            select(1).where(SubscriberRow.id == DeliveryRow.subscriber_id, SubscriberRow.status.in_(statuses))
        )

    return or_(
        and_(DeliveryRow.kind == DeliveryKind.LESSON, lesson_wanted),
        and_(DeliveryRow.kind == DeliveryKind.CONFIRM, with_status(*_TO_CONFIRM)),
        and_(DeliveryRow.kind.in_((DeliveryKind.WELCOME, DeliveryKind.ALREADY)), with_status(SubscriberStatus.ACTIVE)),
    )


def _enrolments_of(ids: Sequence[int]) -> Select[int | None]:
    return select(DeliveryRow.enrolment_id).where(DeliveryRow.id.in_(ids))


def _count(result: Result[Any]) -> int:
    return cast("CursorResult[Any]", result).rowcount
