"""Queries for the planner: enrolments that are due, and moving them on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import Integer, Select, Update, and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import as_rows, dialect_of, run, update_rows
from rugcourse.db.models import DeliveryRow, EnrolmentRow, EnrolmentStatus, ScheduleRow, SubscriberRow, SubscriberStatus
from rugcourse.db.queries.subscribers import SCHEDULE_COLUMNS, schedule_of
from rugcourse.db.queries.webhook_events import note_completed
from rugcourse.scheduling import Schedule


class DueEnrolment(NamedTuple):
    """An enrolment whose next lesson, at `position`, is due, with the data that the planner needs."""

    id: int
    position: int
    due_at: datetime
    last_local_date: date | None
    awaits_answer: bool
    active: bool
    schedule: Schedule


class ExpectedEnrolment(NamedTuple):
    """An enrolment with a lesson that is due now or later."""

    id: int
    campaign_id: int
    email: str
    position: int
    due_at: datetime
    last_local_date: date | None
    awaits_answer: bool
    schedule: Schedule


class Step(NamedTuple):
    """How an enrolment advances after a lesson was planned. `is_last`: that was the last lesson.

    `awaits_answer`: the next lesson waits for the answer to its quiz.
    """

    last_local_date: date
    next_due_at: datetime | None
    is_last: bool
    awaits_answer: bool


class NextWork(NamedTuple):
    """When the next lesson, planned delivery and reminder are due (UTC); None if there is none."""

    lesson: datetime | None
    delivery: datetime | None
    reminder: datetime | None

    @property
    def at(self) -> datetime | None:
        """When the first of them is due, or None."""
        return min((one for one in self if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class NextDue:
    """When a person's next lesson is due (`at`, UTC), and their time zone."""

    at: datetime
    zone: str


def next_work(session: Session) -> NextWork:
    """Return when the next lesson, planned delivery and reminder are due. Whoever has confirmed gets no reminder."""
    lesson = select(func.min(EnrolmentRow.next_due_at)).scalar_subquery()
    delivery = select(func.min(DeliveryRow.not_before)).scalar_subquery()
    unconfirmed = SubscriberRow.status == SubscriberStatus.PENDING
    reminder = select(func.min(SubscriberRow.remind_at)).where(unconfirmed).scalar_subquery()
    return NextWork(*session.execute(select(lesson, delivery, reminder)).one())


def next_dues(session: Session, delivery_ids: Sequence[int]) -> dict[int, NextDue]:
    """Return for each mail when the next lesson of its reader in its campaign is due, if any."""
    rows = session.execute(
        select(DeliveryRow.id, EnrolmentRow.next_due_at, ScheduleRow.zone)
        .join(
            EnrolmentRow,
            (EnrolmentRow.subscriber_id == DeliveryRow.subscriber_id)
            & (EnrolmentRow.campaign_id == DeliveryRow.campaign_id),
        )
        .join(ScheduleRow, ScheduleRow.subscriber_id == DeliveryRow.subscriber_id)
        .where(DeliveryRow.id.in_(delivery_ids), EnrolmentRow.next_due_at.is_not(None))
    )
    return {delivery_id: NextDue(at, zone) for delivery_id, at, zone in rows if at is not None}


def lock_due(
    session: Session, campaign_id: int, now: datetime, limit: int, only: int | None = None
) -> list[DueEnrolment]:
    """Lock and return up to `limit` due enrolments of a campaign, earliest first.

    Rows locked by another scheduler are skipped (SKIP LOCKED), so that any number of them share the work. `only`: the
    id of one enrolment, if it is due.
    """
    parameters: dict[str, object] = {"campaign": campaign_id, "now": now, "most": limit}
    if only is not None:
        parameters["only"] = only
    rows = run(session, _due(one=only is not None), parameters)
    return [
        DueEnrolment(
            *(row_id, position, due_at, last_local_date, awaits_answer),
            active=status == SubscriberStatus.ACTIVE,
            schedule=schedule_of(*schedule),
        )
        for row_id, position, due_at, last_local_date, awaits_answer, status, *schedule in rows
    ]


def came_back(session: Session, ids: Collection[int]) -> set[int]:
    """Return those of some enrolments, locked by the caller, whose reader is active and no longer paused indefinitely.

    Needed because PostgreSQL locks the current row, but joins to it rows from when the statement began.
    """
    rests = and_(ScheduleRow.paused, ScheduleRow.paused_until.is_(None))
    rows = session.scalars(
        select(EnrolmentRow.id)
        .join(ScheduleRow, ScheduleRow.subscriber_id == EnrolmentRow.subscriber_id)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .where(EnrolmentRow.id.in_(ids), SubscriberRow.status == SubscriberStatus.ACTIVE, ~rests)
    )
    return set(rows)


def due_ids(session: Session, campaign_id: int, now: datetime, limit: int) -> list[int]:
    """Return up to `limit` due enrolments of a campaign, earliest first, without locking them."""
    due = (EnrolmentRow.campaign_id == campaign_id, EnrolmentRow.next_due_at <= now)
    return list(session.scalars(select(EnrolmentRow.id).where(*due).order_by(EnrolmentRow.next_due_at).limit(limit)))


def domains_of(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Return enrolment id → the domain of its reader's address."""
    rows = session.execute(
        select(EnrolmentRow.id, SubscriberRow.domain)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .where(EnrolmentRow.id.in_(ids))
    )
    return dict(iter(rows))


def expected(session: Session, after_id: int, limit: int) -> list[ExpectedEnrolment]:
    """Return up to `limit` enrolments with lessons to come and ids above `after_id`, by id."""
    rows = session.execute(
        select(
            EnrolmentRow.id,
            EnrolmentRow.campaign_id,
            SubscriberRow.email,
            EnrolmentRow.next_position,
            EnrolmentRow.next_due_at,
            EnrolmentRow.last_local_date,
            EnrolmentRow.awaits_answer,
            *SCHEDULE_COLUMNS,
        )
        .join(ScheduleRow, ScheduleRow.subscriber_id == EnrolmentRow.subscriber_id)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .where(
            EnrolmentRow.id > after_id,
            EnrolmentRow.next_due_at.is_not(None),
            SubscriberRow.status == SubscriberStatus.ACTIVE,
        )
        .order_by(EnrolmentRow.id)
        .limit(limit)
    )
    return [
        ExpectedEnrolment(
            row_id, campaign_id, email, position, due_at, last_date, awaits_answer, schedule_of(*schedule)
        )
        for row_id, campaign_id, email, position, due_at, last_date, awaits_answer, *schedule in rows
        if due_at is not None
    ]


def expected_groups(session: Session) -> Iterator[tuple[ExpectedEnrolment, int]]:
    """Yield groups of enrolments that will get the same lessons at the same time, and the size of each."""
    alike = (
        EnrolmentRow.campaign_id,
        EnrolmentRow.next_position,
        EnrolmentRow.next_due_at,
        EnrolmentRow.last_local_date,
        EnrolmentRow.awaits_answer,
        *SCHEDULE_COLUMNS,
    )
    rows = session.execute(
        select(*alike, func.count())
        .join(ScheduleRow, ScheduleRow.subscriber_id == EnrolmentRow.subscriber_id)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .where(EnrolmentRow.next_due_at.is_not(None), SubscriberRow.status == SubscriberStatus.ACTIVE)
        .group_by(*alike)
        .execution_options(yield_per=1000)
    )
    for campaign_id, position, due_at, last_date, awaits_answer, *schedule, count_of_them in rows:
        if due_at is not None:
            place = (0, campaign_id, "", position, due_at, last_date, awaits_answer)
            yield ExpectedEnrolment(*place, schedule_of(*schedule)), count_of_them


def advance(session: Session, steps: Mapping[Step, Sequence[int]], now: datetime) -> None:
    """Advance enrolments for which a lesson was planned, or complete them if it was the last.

    In one UPDATE: a second one of the same row would make PostgreSQL check its foreign keys, and wait for a
    transaction that holds the person and waits for the enrolment.
    """
    rows = [
        (
            ids,
            {
                "last_local_date": step.last_local_date,
                "next_due_at": None if step.is_last else step.next_due_at,
                "status": EnrolmentStatus.COMPLETED if step.is_last else EnrolmentStatus.ACTIVE,
                "completed_at": now if step.is_last else None,
                "awaits_answer": step.awaits_answer,
            },
        )
        for step, ids in steps.items()
    ]
    _write(session, _advancing(dialect_of(session)), rows)
    note_completed(session, now, [one for step, ids in steps.items() if step.is_last for one in ids])


def shift(session: Session, instants: Mapping[datetime | None, Sequence[int]]) -> None:
    """Make lessons due at another instant: instant (UTC) → enrolment ids. None: not due until something changes."""
    _write(session, _shifting(dialect_of(session)), [(ids, {"next_due_at": at}) for at, ids in instants.items()])


def skip_lessons(session: Session, ids: Collection[int]) -> None:
    """Advance enrolments that already had their next lesson to the one after it; they stay due."""
    _update(session, ids, next_position=EnrolmentRow.next_position + 1)


def complete(session: Session, ids: Collection[int], now: datetime) -> None:
    """Complete enrolments that have no lesson left."""
    _update(session, ids, next_due_at=None, status=EnrolmentStatus.COMPLETED, completed_at=now)
    note_completed(session, now, list(ids))


@cache
def _due(*, one: bool) -> Select[*tuple[object, ...]]:
    # Picked before any join, as in `claims`.
    picked = (
        select(EnrolmentRow)
        .where(EnrolmentRow.campaign_id == bindparam("campaign"), EnrolmentRow.next_due_at <= bindparam("now"))
        .where(*([EnrolmentRow.id == bindparam("only")] if one else []))
        .order_by(EnrolmentRow.next_due_at)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True)
        .subquery("picked")
    )
    return (
        select(
            picked.c.id,
            picked.c.next_position,
            picked.c.next_due_at,
            picked.c.last_local_date,
            picked.c.awaits_answer,
            SubscriberRow.status,
            *SCHEDULE_COLUMNS,
        )
        .join(ScheduleRow, ScheduleRow.subscriber_id == picked.c.subscriber_id)
        .join(SubscriberRow, SubscriberRow.id == picked.c.subscriber_id)
    )


@cache
def _advancing(dialect: str) -> Update:
    return update_rows(
        EnrolmentRow,
        ("last_local_date", "next_due_at", "status", "completed_at", "awaits_answer"),
        dialect,
        next_position=EnrolmentRow.next_position + 1,
        lessons_planned=EnrolmentRow.lessons_planned + 1,
    )


@cache
def _shifting(dialect: str) -> Update:
    # Somebody who left since has nothing due.
    return update_rows(EnrolmentRow, ("next_due_at",), dialect, EnrolmentRow.status == EnrolmentStatus.ACTIVE)


def _write(session: Session, statement: Update, rows: Sequence[tuple[Sequence[int], Mapping[str, object]]]) -> None:
    if rows:
        run(session, statement, {"rows": as_rows(session, EnrolmentRow, rows)})


def _update(session: Session, ids: Collection[int], **values: object) -> None:
    if ids:
        session.execute(
            update(EnrolmentRow)
            .where(EnrolmentRow.id.in_(ids))
            .values(values)
            .execution_options(synchronize_session=False)
        )
