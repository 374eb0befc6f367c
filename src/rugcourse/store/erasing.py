"""Deletes what is known of people, and finds whose time has come."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from rugcourse.store import tallies
from rugcourse.store.admins import subject_of
from rugcourse.store.statements import count
from rugcourse.store.tables import (
    AnswerRow,
    AttemptRow,
    CardRow,
    ChangeRow,
    ConsentRow,
    DeliveryKind,
    DeliveryRow,
    EnrolmentRow,
    EnrolmentStatus,
    EventKind,
    EventRow,
    FeedbackRow,
    ScheduleRow,
    SubscriberRow,
    SubscriberStatus,
    TagRow,
)

_LONGEST_WAIT = timedelta(days=30)  # of a mail that is held


def erase_person(session: Session, subscriber_id: int) -> None:
    """Delete everything about a person. What a worker holds of them at this moment it will find gone.

    Their enrolments are locked first: a planner that is at work on them ends before their deliveries are looked for.
    """
    theirs = select(EnrolmentRow.id).where(EnrolmentRow.subscriber_id == subscriber_id)
    session.execute(theirs.order_by(EnrolmentRow.id).with_for_update())
    tallies.subtract_events(session, subscriber_id)
    mails = select(DeliveryRow.id).where(DeliveryRow.subscriber_id == subscriber_id)
    for table in (EventRow, FeedbackRow):
        session.execute(delete(table).where(table.delivery_id.in_(mails)).execution_options(synchronize_session=False))
    for owned in (AnswerRow, CardRow, AttemptRow, ConsentRow, DeliveryRow, EnrolmentRow, ScheduleRow, TagRow):
        session.execute(
            delete(owned).where(owned.subscriber_id == subscriber_id).execution_options(synchronize_session=False)
        )
    # What admins did stays in the log, without what they said about this person.
    session.execute(
        update(ChangeRow)
        .where(ChangeRow.subject == subject_of(subscriber_id))
        .values(before=null(), after=null())
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(SubscriberRow).where(SubscriberRow.id == subscriber_id).execution_options(synchronize_session=False)
    )


def forget_attempts(session: Session, before: datetime) -> int:
    """Delete knowledge tests of nobody that were taken before an instant; returns how many."""
    return count(
        session.execute(
            delete(AttemptRow)
            .where(AttemptRow.subscriber_id.is_(None), AttemptRow.at < before)
            .execution_options(synchronize_session=False)
        )
    )


def forget_events(session: Session, before: datetime, limit: int) -> int:
    """Delete up to `limit` opens and clicks from before an instant, the oldest first; returns how many."""
    oldest = select(EventRow.id).order_by(EventRow.id).limit(limit).subquery()
    old = select(EventRow.id).where(EventRow.id.in_(select(oldest.c.id)), EventRow.at < before)
    return count(
        session.execute(delete(EventRow).where(EventRow.id.in_(old)).execution_options(synchronize_session=False))
    )


def forget_measured(session: Session, subscriber_id: int) -> None:
    """Delete the opens and clicks of a person; they stay counted."""
    mails = select(DeliveryRow.id).where(DeliveryRow.subscriber_id == subscriber_id)
    session.execute(
        delete(EventRow)
        .where(EventRow.delivery_id.in_(mails), EventRow.kind.in_((EventKind.OPEN, EventKind.CLICK)))
        .execution_options(synchronize_session=False)
    )


def unconfirmed(session: Session, before: datetime, limit: int) -> list[int]:
    """People who signed up before an instant, never confirmed, and were not asked to since, nor are about to be."""
    asked_since = _asked_since(before)
    query = select(SubscriberRow.id).where(
        SubscriberRow.status == SubscriberStatus.PENDING, SubscriberRow.created_at < before, ~asked_since
    )
    return list(session.scalars(query.order_by(SubscriberRow.id).limit(limit)))


def gone(session: Session, before: datetime, limit: int, *, asked: datetime) -> list[int]:
    """People who left everything before an instant, and were not asked since another whether they sign up again."""
    query = select(SubscriberRow.id).where(
        SubscriberRow.status == SubscriberStatus.LEFT, SubscriberRow.left_at < before, ~_asked_since(asked)
    )
    return list(session.scalars(query.order_by(SubscriberRow.id).limit(limit)))


def finished(session: Session, before: datetime, limit: int) -> list[int]:
    """Readers whose courses were all over before an instant, and who got no mail since."""
    still_reading = exists().where(
        EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.status == EnrolmentStatus.ACTIVE
    )
    latest = (
        select(func.max(DeliveryRow.planned_at))
        .where(DeliveryRow.subscriber_id == SubscriberRow.id)
        .correlate(SubscriberRow)
        .scalar_subquery()
    )
    query = select(SubscriberRow.id).where(
        SubscriberRow.status == SubscriberStatus.ACTIVE,
        SubscriberRow.created_at < before,
        ~still_reading,
        func.coalesce(latest, SubscriberRow.created_at) < before,
    )
    return list(session.scalars(query.order_by(SubscriberRow.id).limit(limit)))


def _asked_since(instant: datetime) -> ColumnElement[bool]:
    """SQL: they were sent a mail to confirm since then, or it waits to be sent, and not for ever."""
    sent = or_(
        DeliveryRow.planned_at >= instant,
        DeliveryRow.settled_at >= instant,
        and_(DeliveryRow.not_before.is_not(None), DeliveryRow.planned_at >= instant - _LONGEST_WAIT),
    )
    confirm = DeliveryRow.kind == DeliveryKind.CONFIRM
    return exists().where(DeliveryRow.subscriber_id == SubscriberRow.id, confirm, sent)
