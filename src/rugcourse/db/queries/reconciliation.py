"""Queries for reconciliation: totals of the ledger, and rows that should not exist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from rugcourse.db.models import (
    OPEN_STATES,
    CampaignRow,
    CampaignStatus,
    CourseRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    LeaseRow,
    LessonRow,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
)
from rugcourse.scheduling import is_zone

_SETTLED = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.CANCELLED)


def states_by_lesson(session: Session) -> Sequence[tuple[int, str, str, str | None, str, int]]:
    """Return (campaign id, campaign name, kind, lesson's slug, state, count) over the whole ledger."""
    rows = session.execute(
        select(CampaignRow.id, CampaignRow.name, DeliveryRow.kind, LessonRow.slug, DeliveryRow.state, func.count())
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .group_by(
            CampaignRow.id, CampaignRow.name, DeliveryRow.kind, LessonRow.slug, LessonRow.position, DeliveryRow.state
        )
        .order_by(CampaignRow.id, DeliveryRow.kind, LessonRow.position)
    ).all()
    return list(rows)


def lessons_planned(session: Session) -> dict[int, int]:
    """Return campaign id → number of planned lessons, according to its enrolments."""
    rows = session.execute(
        select(EnrolmentRow.campaign_id, func.sum(EnrolmentRow.lessons_planned)).group_by(EnrolmentRow.campaign_id)
    )
    return dict(iter(rows))


def miscounted_enrolments(session: Session, limit: int) -> list[int]:
    """Return enrolments whose count of planned lessons differs from the ledger."""
    in_ledger = (
        select(func.count())
        .where(DeliveryRow.enrolment_id == EnrolmentRow.id, DeliveryRow.state != DeliveryState.CANCELLED)
        .scalar_subquery()
    )
    return _ids(session, select(EnrolmentRow.id).where(EnrolmentRow.lessons_planned != in_ledger), limit)


def forgotten_enrolments(session: Session, now: datetime, limit: int) -> list[int]:
    """Return active enrolments, not paused, with no lesson due and no open delivery."""
    being_sent = (
        select(DeliveryRow.id)
        .where(DeliveryRow.enrolment_id == EnrolmentRow.id, DeliveryRow.state.in_(OPEN_STATES))
        .exists()
    )
    query = (
        select(EnrolmentRow.id)
        .join(SubscriberRow, SubscriberRow.id == EnrolmentRow.subscriber_id)
        .join(ScheduleRow, ScheduleRow.subscriber_id == EnrolmentRow.subscriber_id)
        .where(
            EnrolmentRow.status == EnrolmentStatus.ACTIVE,
            EnrolmentRow.next_due_at.is_(None),
            SubscriberRow.status == SubscriberStatus.ACTIVE,
            or_(ScheduleRow.paused.is_(False), ScheduleRow.paused_until <= now),
            ~being_sent,
        )
    )
    return _ids(session, query, limit)


def overdue_enrolments(session: Session, before: datetime, limit: int) -> list[int]:
    """Return enrolments in running campaigns that were due before an instant and that no scheduler has planned."""
    running = select(CampaignRow.id).where(CampaignRow.status == CampaignStatus.RUNNING)
    query = select(EnrolmentRow.id).where(EnrolmentRow.next_due_at < before, EnrolmentRow.campaign_id.in_(running))
    return _ids(session, query, limit)


def unfinished_completions(session: Session, limit: int) -> list[int]:
    """Return completed enrolments with a lesson due."""
    query = select(EnrolmentRow.id).where(
        EnrolmentRow.status == EnrolmentStatus.COMPLETED, EnrolmentRow.next_due_at.is_not(None)
    )
    return _ids(session, query, limit)


def half_written_deliveries(session: Session, limit: int) -> list[int]:
    """Return deliveries whose state contradicts their other columns."""
    settled = DeliveryRow.state.in_(_SETTLED)
    pinned = and_(
        DeliveryRow.message_id.is_not(None),
        or_(DeliveryRow.lesson_id.is_(None), DeliveryRow.lesson_version_id.is_not(None)),
    )
    sent = DeliveryRow.state.in_((DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.SUBMITTING))
    leased = DeliveryRow.state == DeliveryState.SUBMITTING
    contradictions: list[ColumnElement[bool]] = [
        DeliveryRow.state.not_in([*DeliveryState]),
        and_(settled, DeliveryRow.settled_at.is_(None)),
        and_(~settled, DeliveryRow.settled_at.is_not(None)),
        and_(sent, ~pinned),
        and_(sent, DeliveryRow.attempts == 0),
        and_(leased, DeliveryRow.lease.is_(None)),
        (DeliveryRow.state == DeliveryState.PLANNED) != DeliveryRow.not_before.is_not(None),
    ]
    return _ids(session, select(DeliveryRow.id).where(or_(*contradictions)), limit)


def repeated_message_ids(session: Session, limit: int) -> list[str]:
    """Return Message-IDs of more than one delivery."""
    query = (
        select(DeliveryRow.message_id)
        .where(DeliveryRow.message_id.is_not(None))
        .group_by(DeliveryRow.message_id)
        .having(func.count() > 1)
        .limit(limit)
    )
    return [one for one in session.scalars(query) if one is not None]


def expired_leases(session: Session, now: datetime, limit: int) -> list[str]:
    """Return expired leases whose deliveries nobody has recovered."""
    return list(session.scalars(select(LeaseRow.token).where(LeaseRow.expires_at < now).limit(limit)))


def unleased_deliveries(session: Session, limit: int) -> list[int]:
    """Return deliveries being submitted without an existing lease."""
    query = select(DeliveryRow.id).where(
        DeliveryRow.state == DeliveryState.SUBMITTING,
        ~select(LeaseRow.token).where(LeaseRow.token == DeliveryRow.lease).exists(),
    )
    return _ids(session, query, limit)


def orphaned_deliveries(session: Session, limit: int) -> list[int]:
    """Return deliveries whose person, enrolment or lesson does not exist."""
    missing = or_(
        ~select(SubscriberRow.id).where(SubscriberRow.id == DeliveryRow.subscriber_id).exists(),
        and_(
            DeliveryRow.enrolment_id.is_not(None),
            ~select(EnrolmentRow.id).where(EnrolmentRow.id == DeliveryRow.enrolment_id).exists(),
        ),
        and_(
            DeliveryRow.lesson_id.is_not(None),
            ~select(LessonRow.id).where(LessonRow.id == DeliveryRow.lesson_id).exists(),
        ),
    )
    return _ids(session, select(DeliveryRow.id).where(missing), limit)


def unknown_deliveries(session: Session, limit: int) -> Sequence[Any]:
    """Return (delivery id, address, lesson's slug) of unknown deliveries."""
    return session.execute(
        select(DeliveryRow.id, SubscriberRow.email, LessonRow.slug)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .outerjoin(LessonRow, LessonRow.id == DeliveryRow.lesson_id)
        .where(DeliveryRow.state == DeliveryState.UNKNOWN)
        .order_by(DeliveryRow.id)
        .limit(limit)
    ).all()


def subscribers_by_status(session: Session) -> dict[str, int]:
    rows = session.execute(select(SubscriberRow.status, func.count()).group_by(SubscriberRow.status))
    return dict(iter(rows))


def enrolments_by_status(session: Session) -> dict[tuple[str, str], int]:
    """Return (course's slug, status) → number of enrolments."""
    rows = session.execute(
        select(CourseRow.slug, EnrolmentRow.status, func.count())
        .join(CampaignRow, CampaignRow.id == EnrolmentRow.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .group_by(CourseRow.slug, EnrolmentRow.status)
    )
    return {(slug, status): count for slug, status, count in rows}


def lessons_by_state(session: Session) -> dict[tuple[str, str], int]:
    """Return (course's slug, state) → number of lessons in the ledger."""
    rows = session.execute(
        select(CourseRow.slug, DeliveryRow.state, func.count())
        .join(CampaignRow, CampaignRow.id == DeliveryRow.campaign_id)
        .join(CourseRow, CourseRow.id == CampaignRow.course_id)
        .where(DeliveryRow.kind == DeliveryKind.LESSON)
        .group_by(CourseRow.slug, DeliveryRow.state)
    )
    return {(slug, state): count for slug, state, count in rows}


def unknown_zones(session: Session, limit: int) -> list[str]:
    """Return time zones of subscribers that this machine does not know: nothing can be planned for these people."""
    zones = session.scalars(select(ScheduleRow.zone).distinct().order_by(ScheduleRow.zone))
    return [zone for zone in zones if not is_zone(zone)][:limit]


def _ids(session: Session, query: Select[int], limit: int) -> list[int]:
    return list(session.scalars(query.limit(limit)))
