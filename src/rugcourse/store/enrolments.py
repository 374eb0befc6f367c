"""Who is in which campaign, and when their next lesson is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, Update, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from rugcourse.schedule import Schedule
from rugcourse.store.statements import as_rows, dialect_of, run, update_rows
from rugcourse.store.subscribers import SCHEDULE_COLUMNS, schedule_of
from rugcourse.store.tables import (
    CampaignRow,
    DeliveryRow,
    EnrolmentRow,
    EnrolmentStatus,
    LessonRow,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
)


@dataclass(frozen=True, slots=True)
class DueEnrolment:
    """An enrolment whose next lesson is due, with what decides about it.

    `lesson_id` is None when the course has no lesson at `position` any more; `is_last`: none comes after it.
    """

    id: int
    campaign_id: int
    subscriber_id: int
    position: int
    lessons_planned: int
    due_at: datetime
    last_local_date: date | None
    active: bool
    schedule: Schedule
    lesson_id: int | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class NextDue:
    """When a person's next lesson comes (`at`, UTC), and the zone they live in."""

    at: datetime
    zone: str


def next_dues(session: Session, delivery_ids: Sequence[int]) -> dict[int, NextDue]:
    """For mails about an enrolment: when the next lesson of that person in that campaign comes, if one is planned."""
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


def lock_due(session: Session, now: datetime, limit: int) -> list[DueEnrolment]:
    """Up to `limit` enrolments that are due, earliest first, locked until the transaction ends.

    Rows that another scheduler holds are passed over (SKIP LOCKED), so that any number of them share the work.
    """
    rows = run(session, _due(), {"now": now, "most": limit})
    return [
        DueEnrolment(
            *(row_id, campaign_id, subscriber_id, position, planned, due_at, last_local_date),
            active=status == SubscriberStatus.ACTIVE,
            schedule=schedule_of(*schedule),
            lesson_id=lesson_id,
            is_last=position >= (last or 0),
        )
        for (
            row_id,
            campaign_id,
            subscriber_id,
            position,
            planned,
            due_at,
            last_local_date,
            status,
            lesson_id,
            last,
            *schedule,
        ) in rows
    ]


@cache
def _due() -> Select[*tuple[Any, ...]]:
    lesson, later = aliased(LessonRow), aliased(LessonRow)
    last_position = (
        select(func.max(later.position)).where(later.course_id == CampaignRow.course_id).correlate(CampaignRow)
    ).scalar_subquery()
    return (
        select(
            EnrolmentRow.id,
            EnrolmentRow.campaign_id,
            EnrolmentRow.subscriber_id,
            EnrolmentRow.next_position,
            EnrolmentRow.lessons_planned,
            EnrolmentRow.next_due_at,
            EnrolmentRow.last_local_date,
            SubscriberRow.status,
            lesson.id,
            last_position,
            *SCHEDULE_COLUMNS,
        )
        .join(ScheduleRow, ScheduleRow.subscriber_id == EnrolmentRow.subscriber_id)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
        .outerjoin(
            lesson, (lesson.course_id == CampaignRow.course_id) & (lesson.position == EnrolmentRow.next_position)
        )
        .where(EnrolmentRow.next_due_at <= bindparam("now"))
        .order_by(EnrolmentRow.next_due_at)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(of=EnrolmentRow, skip_locked=True)
    )


def move_on(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Write new values to many enrolments; each dictionary has the `id` and the columns to set."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for change in changes:
        alike[tuple(change)].append(change)
    for names, rows in alike.items():
        run(session, _moving_on(names, dialect_of(session)), {"rows": as_rows(session, EnrolmentRow, rows)})


@cache
def _moving_on(names: tuple[str, ...], dialect: str) -> Update:
    return update_rows(EnrolmentRow, names, dialect)


def find(session: Session, campaign_id: int, subscriber_id: int, *, lock: bool = False) -> EnrolmentRow | None:
    query = select(EnrolmentRow).where(
        EnrolmentRow.campaign_id == campaign_id, EnrolmentRow.subscriber_id == subscriber_id
    )
    return session.scalar(query.with_for_update() if lock else query)


def add(session: Session, campaign_id: int, subscriber_id: int, due_at: datetime | None, now: datetime) -> None:
    session.add(
        EnrolmentRow(
            campaign_id=campaign_id,
            subscriber_id=subscriber_id,
            status=EnrolmentStatus.ACTIVE,
            next_position=1,
            lessons_planned=0,
            next_due_at=due_at,
            started_at=now,
        )
    )


def of_subscriber(session: Session, subscriber_id: int, *, lock: bool = False) -> Sequence[EnrolmentRow]:
    query = select(EnrolmentRow).where(EnrolmentRow.subscriber_id == subscriber_id).order_by(EnrolmentRow.id)
    return session.scalars(query.with_for_update() if lock else query).all()
