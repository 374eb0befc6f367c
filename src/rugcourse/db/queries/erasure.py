"""Queries for erasure and retention: delete personal data, and find people and rows whose time has come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from rugcourse.db import counters
from rugcourse.db.bulk import count
from rugcourse.db.models import (
    BOUNCE,
    AdminRow,
    AdminSessionRow,
    AnswerRow,
    ApiTokenRow,
    AssessmentAttemptRow,
    AuditLogRow,
    ConsentRow,
    ConsentTextRow,
    DeliveryKind,
    DeliveryRow,
    EmailEventRow,
    EnrolmentRow,
    EnrolmentStatus,
    EventKind,
    FeedbackRow,
    HoldRow,
    IdempotencyKeyRow,
    JobChunkRow,
    JobRow,
    PasskeyRow,
    RateLimitBucketRow,
    RecoveryCodeRow,
    ReviewCardRow,
    ScheduleRow,
    SecurityEventRow,
    SubscriberRow,
    SubscriberStatus,
    SuppressionRow,
    TagRow,
    WebhookDeliveryRow,
)
from rugcourse.db.queries import address_changes, heartbeats, sending_holds
from rugcourse.db.queries.admins import subject_of
from rugcourse.db.queries.subscribers import NOT_ACTIVE

_LONGEST_WAIT = timedelta(days=30)  # for a mail that is held
_SECRETS = (
    "password_hash",
    "totp_secret",
    "totp_step",
    "invite_token_hash",
    "invite_expires_at",
    "reset_token_hash",
    "reset_expires_at",
)


def erase_person(session: Session, subscriber_id: int) -> None:
    """Delete everything about a person. A worker that is sending to them will find the rows gone.

    Locks their enrolments first, to wait for a planner that works on them.
    """
    theirs = select(EnrolmentRow.id).where(EnrolmentRow.subscriber_id == subscriber_id)
    session.execute(theirs.order_by(EnrolmentRow.id).with_for_update())
    counters.subtract_events(session, subscriber_id)
    mails = select(DeliveryRow.id).where(DeliveryRow.subscriber_id == subscriber_id)
    for table in (EmailEventRow, FeedbackRow):
        session.execute(delete(table).where(table.delivery_id.in_(mails)).execution_options(synchronize_session=False))
    listed = _words_of_lists(session, subscriber_id)
    owning = (
        AnswerRow,
        ReviewCardRow,
        AssessmentAttemptRow,
        ConsentRow,
        DeliveryRow,
        EnrolmentRow,
        ScheduleRow,
        TagRow,
        WebhookDeliveryRow,
    )
    address_changes.anonymise(session, subscriber_id)
    for owned in owning:
        session.execute(
            delete(owned).where(owned.subscriber_id == subscriber_id).execution_options(synchronize_session=False)
        )
    unused = ~exists().where(ConsentRow.text_name == ConsentTextRow.name)
    session.execute(
        delete(ConsentTextRow)
        .where(ConsentTextRow.name.in_(listed), unused)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(AuditLogRow)
        .where(AuditLogRow.subject == subject_of(subscriber_id))
        .execution_options(synchronize_session=False)
    )
    domain = session.scalar(
        delete(SubscriberRow)
        .where(SubscriberRow.id == subscriber_id)
        .returning(SubscriberRow.domain)
        .execution_options(synchronize_session=False)
    )
    if domain is not None:
        forget_domain(session, domain)


def _words_of_lists(session: Session, subscriber_id: int) -> Sequence[str]:
    """Return the consent texts from imports of a person, which may name them."""
    imported = ConsentRow.source.startswith("import ", autoescape=True)
    return session.scalars(
        select(ConsentRow.text_name).where(ConsentRow.subscriber_id == subscriber_id, imported)
    ).all()


def forget_domain(session: Session, domain: str) -> None:
    """Delete all data on a domain if no subscriber has it any more: it can be a family's."""
    if domain not in known_domains(session) or _is_somebodys(session, domain):
        return
    key = sending_holds.domain_key(domain)
    session.execute(delete(HoldRow).where(HoldRow.key == key).execution_options(synchronize_session=False))
    session.execute(
        delete(RateLimitBucketRow).where(RateLimitBucketRow.key == key).execution_options(synchronize_session=False)
    )
    kept = _reputation(session)
    if domain in kept.get("levels", {}):
        del kept["levels"][domain]
        heartbeats.set_value(session, heartbeats.REPUTATION, json.dumps(kept))


def known_domains(session: Session) -> set[str]:
    """Return the domains with a hold, a rate limit, or a stored complaint level."""
    prefix = sending_holds.domain_key("")
    keys = (*session.scalars(select(HoldRow.key)), *session.scalars(select(RateLimitBucketRow.key)))
    named = {key.removeprefix(prefix) for key in keys if key.startswith(prefix)}
    return named | set(_reputation(session).get("levels", {}))


def held_by_hand_since(session: Session, after: datetime) -> set[str]:
    """Return the domains that an admin held after an instant, perhaps before anybody there signed up."""
    prefix = sending_holds.domain_key("")
    keys = session.scalars(select(HoldRow.key).where(HoldRow.until.is_(None), HoldRow.since >= after))
    return {key.removeprefix(prefix) for key in keys if key.startswith(prefix)}


def _reputation(session: Session) -> dict[str, Any]:
    kept = heartbeats.get_value(session, heartbeats.REPUTATION)
    return json.loads(kept) if kept else {}


def _is_somebodys(session: Session, domain: str) -> bool:
    return session.scalars(select(exists().where(SubscriberRow.domain == domain))).one()


def forget_attempts(session: Session, before: datetime) -> int:
    """Delete anonymous knowledge tests from before an instant; returns how many."""
    return count(
        session.execute(
            delete(AssessmentAttemptRow)
            .where(AssessmentAttemptRow.subscriber_id.is_(None), AssessmentAttemptRow.at < before)
            .execution_options(synchronize_session=False)
        )
    )


def forget_events(session: Session, before: datetime, limit: int) -> int:
    """Delete up to `limit` opens and clicks from before an instant, the oldest first; returns how many."""
    oldest = select(EmailEventRow.id).order_by(EmailEventRow.id).limit(limit).subquery()
    old = select(EmailEventRow.id).where(EmailEventRow.id.in_(select(oldest.c.id)), EmailEventRow.at < before)
    return count(
        session.execute(
            delete(EmailEventRow).where(EmailEventRow.id.in_(old)).execution_options(synchronize_session=False)
        )
    )


def forget_measured(session: Session, subscriber_id: int) -> None:
    """Delete the opens and clicks of a person; counters keep them."""
    mails = select(DeliveryRow.id).where(DeliveryRow.subscriber_id == subscriber_id)
    session.execute(
        delete(EmailEventRow)
        .where(EmailEventRow.delivery_id.in_(mails), EmailEventRow.kind.in_((EventKind.OPEN, EventKind.CLICK)))
        .execution_options(synchronize_session=False)
    )


def forget_remarks(session: Session, before: datetime) -> int:
    """Delete visitors' remarks from before an instant; whether the lesson helped stays. Returns how many."""
    return count(
        session.execute(
            update(FeedbackRow)
            .where(FeedbackRow.delivery_id.is_(None), FeedbackRow.remark != "", FeedbackRow.at < before)
            .values(remark="")
            .execution_options(synchronize_session=False)
        )
    )


def forget_changes(session: Session, before: datetime) -> int:
    """Delete audit log entries from before an instant, except of lessons and campaigns; returns how many."""
    about_content = or_(AuditLogRow.subject.startswith("lesson:"), AuditLogRow.subject.startswith("campaign:"))
    return count(
        session.execute(
            delete(AuditLogRow)
            .where(AuditLogRow.at < before, ~about_content)
            .execution_options(synchronize_session=False)
        )
    )


def forget_jobs(session: Session, before: datetime) -> int:
    """Delete background jobs that ended before an instant; returns how many."""
    over = select(JobRow.id).where(JobRow.ended_at < before)
    session.execute(
        delete(JobChunkRow).where(JobChunkRow.job_id.in_(over)).execution_options(synchronize_session=False)
    )
    return count(
        session.execute(delete(JobRow).where(JobRow.ended_at < before).execution_options(synchronize_session=False))
    )


def forget_suppressions(session: Session, bounced_before: datetime, other_before: datetime) -> int:
    """Delete suppressions from before an instant whose owners are no longer subscribers; returns how many."""
    ended = or_(
        and_(SuppressionRow.reason == BOUNCE, SuppressionRow.created_at < bounced_before),
        SuppressionRow.created_at < other_before,
    )
    return count(session.execute(delete(SuppressionRow).where(ended).execution_options(synchronize_session=False)))


def forget_admins(session: Session, before: datetime) -> int:
    """Anonymise admins who were disabled before an instant; returns how many.

    The row stays, under a number, so that the history of a lesson does not name another author.
    """
    gone = list(session.scalars(select(AdminRow.id).where(AdminRow.disabled_at < before, AdminRow.email.contains("@"))))
    tokens = select(ApiTokenRow.id).where(ApiTokenRow.admin_id.in_(gone))
    session.execute(
        delete(IdempotencyKeyRow)
        .where(IdempotencyKeyRow.token_id.in_(tokens))
        .execution_options(synchronize_session=False)
    )
    for table in (AdminSessionRow, PasskeyRow, RecoveryCodeRow, SecurityEventRow, ApiTokenRow):
        session.execute(delete(table).where(table.admin_id.in_(gone)).execution_options(synchronize_session=False))
    for admin_id in gone:
        session.execute(
            update(AdminRow)
            .where(AdminRow.id == admin_id)
            .values(email=f"former-admin-{admin_id}", name="", **dict.fromkeys(_SECRETS))
            .execution_options(synchronize_session=False)
        )
    return len(gone)


def unconfirmed(session: Session, before: datetime, limit: int) -> list[int]:
    """Return people who signed up before an instant, never confirmed, and have had no confirmation mail since.

    Nor is one planned.
    """
    asked_since = _asked_since(before)
    query = select(SubscriberRow.id).where(
        SubscriberRow.status == SubscriberStatus.PENDING, NOT_ACTIVE, SubscriberRow.created_at < before, ~asked_since
    )
    return list(session.scalars(query.order_by(SubscriberRow.id).limit(limit)))


def gone(session: Session, before: datetime, limit: int, *, asked: datetime) -> list[int]:
    """Return people who left everything before an instant, and have had no confirmation mail since `asked`."""
    query = select(SubscriberRow.id).where(
        SubscriberRow.status == SubscriberStatus.LEFT,
        NOT_ACTIVE,
        SubscriberRow.left_at < before,
        ~_asked_since(asked, again=True),
    )
    return list(session.scalars(query.order_by(SubscriberRow.id).limit(limit)))


def finished(session: Session, before: datetime, limit: int, *, left: datetime, unwarned: bool = False) -> list[int]:
    """Return readers whose courses all ended before an instant, and who got no mail since.

    Excludes those who left a course since `left`, as they can undo that. `unwarned`: only those who can be warned
    about their erasure, and were not yet.
    """
    left_since = exists().where(EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.left_at >= left)
    still_reading = exists().where(
        EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.status == EnrolmentStatus.ACTIVE
    )
    return _silent(session, before, limit, ~still_reading, ~left_since, unwarned=unwarned)


def idle(session: Session, before: datetime, limit: int, *, unwarned: bool = False) -> list[int]:
    """Return readers who got no mail since an instant, although they are in a course.

    Excludes those with a pause that ends later, a lesson due later, or a course begun since. `unwarned`: see
    `finished`.
    """
    begun_since = exists().where(EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.started_at >= before)
    comes_back = exists().where(ScheduleRow.subscriber_id == SubscriberRow.id, ScheduleRow.paused_until >= before)
    due_since = exists().where(EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.next_due_at >= before)
    return _silent(session, before, limit, ~begun_since, ~comes_back, ~due_since, unwarned=unwarned)


def suppressed(session: Session, after_id: int, limit: int) -> Sequence[Any]:
    """Return (id, address, when they left) of suppressed people with ids above `after_id`, by id."""
    query = select(SubscriberRow.id, SubscriberRow.email, SubscriberRow.left_at).where(
        SubscriberRow.status == SubscriberStatus.SUPPRESSED, NOT_ACTIVE, SubscriberRow.id > after_id
    )
    return session.execute(query.order_by(SubscriberRow.id).limit(limit)).all()


def _silent(session: Session, before: datetime, limit: int, *which: ColumnElement[bool], unwarned: bool) -> list[int]:
    """Return readers who signed up and got their last mail before an instant.

    `unwarned`: not those who left all courses.
    """
    latest = (
        select(func.max(DeliveryRow.planned_at))
        .where(DeliveryRow.subscriber_id == SubscriberRow.id)
        .correlate(SubscriberRow)
        .scalar_subquery()
    )
    last = func.coalesce(latest, SubscriberRow.created_at)
    query = select(SubscriberRow.id).where(
        SubscriberRow.status == SubscriberStatus.ACTIVE, SubscriberRow.created_at < before, *which, last < before
    )
    if unwarned:
        follows = (EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED)
        query = query.where(
            or_(SubscriberRow.warned_at.is_(None), SubscriberRow.warned_at < last),
            exists().where(EnrolmentRow.subscriber_id == SubscriberRow.id, EnrolmentRow.status.in_(follows)),
        )
    return list(session.scalars(query.order_by(SubscriberRow.id).limit(limit)))


def _asked_since(instant: datetime, *, again: bool = False) -> ColumnElement[bool]:
    """SQL: a confirmation mail was sent since an instant, or has waited for less than `_LONGEST_WAIT`.

    `again`: after they had left.
    """
    sent = or_(
        DeliveryRow.planned_at >= instant,
        DeliveryRow.settled_at >= instant,
        and_(DeliveryRow.not_before.is_not(None), DeliveryRow.planned_at >= instant - _LONGEST_WAIT),
    )
    asked = [DeliveryRow.subscriber_id == SubscriberRow.id, DeliveryRow.kind == DeliveryKind.CONFIRM, sent]
    if again:
        asked.append(DeliveryRow.planned_at > SubscriberRow.left_at)
    return exists().where(*asked)
