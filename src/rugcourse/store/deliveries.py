"""The ledger's statements. What the states mean, and who moves a row when, is told in `rugcourse.delivery`.

Every step is a conditional UPDATE that carries the lease: a row it does not match belongs to somebody else by now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from rugcourse.store.statements import as_rows, count, dialect_of, insert_rows, is_among, run, update_rows, upsert
from rugcourse.store.tables import (
    CampaignRow,
    CourseRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    LeaseRow,
    LessonRow,
    Queue,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.store.types import UtcDateTime

_LEASING = insert(LeaseRow)
_RELEASING = delete(LeaseRow).where(LeaseRow.token == bindparam("ended"))
_TO_CONFIRM = (SubscriberStatus.PENDING, SubscriberStatus.ACTIVE, SubscriberStatus.LEFT)


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """A lesson that goes out to one person on one of their dates, by an instant (UTC) or not that day."""

    campaign_id: int
    enrolment_id: int
    subscriber_id: int
    lesson_id: int
    local_date: date
    send_by: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery that may go now, with what limits and holds look at."""

    id: int
    campaign_id: int
    domain: str


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
    planned = run(
        session,
        _planning(dialect_of(session)),
        {
            "now": now,
            "rows": as_rows(
                session,
                DeliveryRow,
                (
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
                        "send_by": lesson.send_by,
                        "attempts": 0,
                    }
                    for lesson in lessons
                ),
            ),
        },
    ).scalars()
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
        .on_conflict_do_nothing(index_elements=["once_key"], index_where=DeliveryRow.once_key.is_not(None))
    )
    return count(result) == 1


def candidates(
    session: Session, queue: Queue, now: datetime, limit: int, held: Collection[str] = ()
) -> list[Candidate]:
    """Up to `limit` deliveries that may go now, locked until the transaction ends; those that others look at are passed
    over. `held`: the keys of what is not to be sent, see `HoldRow`.
    """
    query = _candidates()
    campaigns = [int(key.removeprefix("campaign:")) for key in held if key.startswith("campaign:")]
    domains = [key.removeprefix("domain:") for key in held if key.startswith("domain:")]
    if campaigns and queue == Queue.LESSONS:
        query = query.where(DeliveryRow.campaign_id.not_in(campaigns))
    if domains:
        query = query.where(SubscriberRow.domain.not_in(domains))
    found = run(session, query, {"queue": queue, "now": now, "most": limit})
    return [Candidate(row_id, campaign or 0, domain) for row_id, campaign, domain in found]


def claim(session: Session, lease: str, until: datetime, ids: Sequence[int]) -> list[int]:
    """Take those of `ids` that stand planned, under `lease`."""
    if not ids:
        return []
    claimed = list(run(session, _claiming(dialect_of(session)), {"ids": ids, "under": lease}).scalars())
    if claimed:
        run(session, _LEASING, {"token": lease, "until": until, "deliveries": claimed})
    return claimed


def release(session: Session, lease: str) -> None:
    """End a lease: nothing is held under it any more."""
    run(session, _RELEASING, {"ended": lease})


def load_outgoing(session: Session, ids: Sequence[int]) -> list[Outgoing]:
    rows: Iterable[Any] = run(session, _outgoing(dialect_of(session)), {"ids": ids})
    return [Outgoing(row[0], DeliveryKind(row[1]), *row[2:]) for row in rows]


def submit(session: Session, lease: str, pins: Sequence[Pin], now: datetime) -> set[int]:
    """Move claimed deliveries to `submitting`; returns those that may really be sent.

    Whether the person still wants the mail, and whether the lease still holds, is looked at in the same UPDATE that
    pins what is sent. One that is pinned already, from an earlier attempt, keeps its Message-ID: it is the same one.
    """
    rows = (
        {
            "id": pin.delivery_id,
            "message_id": pin.message_id,
            "language": pin.language,
            "lesson_version_id": pin.lesson_version_id,
            "recap_question": pin.recap_question,
        }
        for pin in pins
    )
    parameters = {"rows": as_rows(session, DeliveryRow, rows), "under": lease, "now": now}
    return set(run(session, _submitting(dialect_of(session)), parameters).scalars())


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
            .values(state=DeliveryState.CANCELLED, settled_at=now, not_before=None, reply=reason)
            .returning(DeliveryRow.id)
            .execution_options(synchronize_session=False)
        )
    )
    step_back(session, cancelled)
    return cancelled


def cancel_late(session: Session, now: datetime, limit: int) -> list[int]:
    """Cancel up to `limit` lessons whose reader's hour is over, and that were never sent.

    They are due again at their reader's next hour.
    """
    late = (
        select(DeliveryRow.id)
        .where(DeliveryRow.queue == Queue.LESSONS, DeliveryRow.not_before.is_not(None), DeliveryRow.send_by < now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    cancelled = list(
        session.scalars(
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(late.scalar_subquery()), DeliveryRow.state == DeliveryState.PLANNED)
            .values(
                state=DeliveryState.CANCELLED,
                settled_at=now,
                not_before=None,
                reply="its hour passed before it could be sent",
            )
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
    rows = (
        {
            "id": one.delivery_id,
            "state": one.state,
            "reply": one.reply[:500],
            "settled_at": None if one.state == DeliveryState.PLANNED else now,
            "not_before": one.not_before,
        }
        for one in settlements
    )
    parameters = {"rows": as_rows(session, DeliveryRow, rows), "under": lease}
    return len(run(session, _settling(dialect_of(session)), parameters).all())


def give_back(session: Session, lease: str, ids: Collection[int], not_before: datetime, reason: str) -> int:
    """Return those of `ids` that were surely not begun under `lease` to planned, as if never claimed."""
    if not ids:
        return 0
    parameters = {"ids": ids, "under": lease, "from_then": not_before, "why": reason}
    return count(run(session, _giving_back(dialect_of(session)), parameters))


def expire_leases(session: Session, now: datetime) -> tuple[int, list[int]]:
    """Take back what silent workers hold: claimed → planned, submitting → unknown.

    Returns how many went back and which became unknown. A submission that may have been accepted is never repeated: a
    second mail can't be recalled, a visible gap can be filled.
    """
    back, unknown = 0, []
    query = select(LeaseRow.token, LeaseRow.deliveries).where(LeaseRow.until <= now).with_for_update(skip_locked=True)
    for lease, ids in session.execute(query).all():
        mine = select(DeliveryRow.id).where(DeliveryRow.id.in_(ids), DeliveryRow.state == DeliveryState.CLAIMED)
        back += give_back(session, lease, session.scalars(mine).all(), now, "its worker fell silent before it began")
        unknown += doubt(session, lease, ids, now, "the worker that was sending it fell silent")
        release(session, lease)
    return back, unknown


def doubt(session: Session, lease: str, ids: Sequence[int], now: datetime, reason: str) -> list[int]:
    """Mark submissions of which nobody knows whether they arrived as unknown; returns those that were still open."""
    return list(
        session.scalars(
            update(DeliveryRow)
            .where(
                DeliveryRow.id.in_(ids),
                DeliveryRow.lease == lease,
                DeliveryRow.state == DeliveryState.SUBMITTING,
            )
            .values(state=DeliveryState.UNKNOWN, settled_at=now, reply=reason)
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
    return count(result) == 1


def waiting_by_queue(session: Session, now: datetime) -> dict[Queue, int]:
    """How many deliveries stand planned and may go now, per queue."""
    rows = session.execute(
        select(DeliveryRow.queue, func.count()).where(DeliveryRow.not_before <= now).group_by(DeliveryRow.queue)
    )
    return {Queue(queue): waiting for queue, waiting in rows}


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


@cache
def _planning(dialect: str) -> Any:
    names = ("kind", "queue", "state", "subscriber_id", "campaign_id", "enrolment_id", "lesson_id", "local_date")
    statement = insert_rows(DeliveryRow, (*names, "planned_at", "not_before", "send_by", "attempts"), dialect)
    revived = {
        "state": DeliveryState.PLANNED,
        "local_date": statement.excluded.local_date,
        "planned_at": bindparam("now", type_=UtcDateTime()),
        "not_before": bindparam("now", type_=UtcDateTime()),
        "send_by": statement.excluded.send_by,
        "reply": None,
        "settled_at": None,
    }
    return statement.on_conflict_do_update(
        index_elements=["enrolment_id", "lesson_id"],
        set_=revived,
        where=DeliveryRow.state == DeliveryState.CANCELLED,
    ).returning(DeliveryRow.enrolment_id)


@cache
def _candidates() -> Select[int, int | None, str]:
    return (
        select(DeliveryRow.id, DeliveryRow.campaign_id, SubscriberRow.domain)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(DeliveryRow.queue == bindparam("queue"), DeliveryRow.not_before <= bindparam("now"))
        .order_by(DeliveryRow.not_before)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(of=DeliveryRow, skip_locked=True)
    )


@cache
def _claiming(dialect: str) -> Any:
    return (
        update(DeliveryRow)
        .where(is_among(DeliveryRow.id, dialect), DeliveryRow.state == DeliveryState.PLANNED)
        .values(state=DeliveryState.CLAIMED, lease=bindparam("under"), not_before=None)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )


@cache
def _outgoing(dialect: str) -> Any:
    return (
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
        .where(is_among(DeliveryRow.id, dialect))
    )


@cache
def _submitting(dialect: str) -> Update:
    now = bindparam("now", type_=UtcDateTime())
    return update_rows(
        DeliveryRow,
        ("id", "message_id", "language", "lesson_version_id", "recap_question"),
        dialect,
        DeliveryRow.lease == bindparam("under"),
        DeliveryRow.state == DeliveryState.CLAIMED,
        exists().where(LeaseRow.token == bindparam("under"), LeaseRow.until > now),
        _still_wanted(now),
        state=DeliveryState.SUBMITTING,
        attempts=DeliveryRow.attempts + 1,
    )


@cache
def _settling(dialect: str) -> Update:
    return update_rows(
        DeliveryRow,
        ("id", "state", "reply", "settled_at", "not_before"),
        dialect,
        DeliveryRow.lease == bindparam("under"),
        DeliveryRow.state.in_((DeliveryState.SUBMITTING, DeliveryState.UNKNOWN)),
    )


@cache
def _giving_back(dialect: str) -> Any:
    return (
        update(DeliveryRow)
        .where(
            is_among(DeliveryRow.id, dialect),
            DeliveryRow.lease == bindparam("under"),
            DeliveryRow.state.in_((DeliveryState.CLAIMED, DeliveryState.SUBMITTING)),
        )
        .values(
            state=DeliveryState.PLANNED,
            lease=None,
            not_before=bindparam("from_then"),
            reply=bindparam("why"),
        )
        .execution_options(synchronize_session=False)
    )


def _still_wanted(now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
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
