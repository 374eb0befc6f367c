"""Queries for bounces and complaints. In the ledger a bounce is a late failure, a complaint is an event."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, literal_column, select, update
from sqlalchemy.orm import Session

from rugcourse.db.models import (
    DeliveryRow,
    DeliveryState,
    EmailEventRow,
    EventKind,
    SubscriberRow,
    Verdict,
    WebhookEvent,
)
from rugcourse.db.queries.webhook_events import note_mails
from rugcourse.links import MailRef

BOUNCED = "bounced: "  # prefix of the reply of a bounced delivery
_MOST_DOMAINS = 50
# Literal values: a partial index serves only a query that states its condition.
_IS_BOUNCE = EmailEventRow.kind == literal_column("'bounce'")
_IS_COMPLAINT = EmailEventRow.kind == literal_column("'complaint'")
_MAY_BOUNCE = (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.SUBMITTING)


class Failure(NamedTuple):
    """Why a mail did not arrive, with the server's reply.

    `again`: the mail is sent again, and counts as cancelled until then. `refused`: it failed in our own SMTP session.
    `blames_reader`: the failure is about the reader's mailbox, not about the sender.
    """

    words: str
    again: bool
    refused: bool
    blames_reader: bool


def record_bounce(
    session: Session, delivery_id: int, failure: Failure, now: datetime, report: str | None = None
) -> bool:
    """Record that a mail did not arrive after all. Returns False if that was known, or is impossible.

    It is stored as an event as well, for counters and for look-ups by time and by `report`, a keyed hash of the
    identity of the report.
    """
    state = DeliveryState.CANCELLED if failure.again else DeliveryState.FAILED
    before = (DeliveryState.FAILED,) if failure.refused else _MAY_BOUNCE
    noted = (
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state.in_(before))
        .values(state=state, smtp_response=failure.words, settled_at=now, lease=None)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(noted) is None:
        return False
    note_mails(session, WebhookEvent.BOUNCED, now, [delivery_id], sent_again=failure.again)
    first = not bounces_of(session, delivery_id)
    session.add(
        EmailEventRow(
            delivery_id=delivery_id,
            kind=EventKind.BOUNCE,
            verdict=Verdict.MACHINE if failure.blames_reader else Verdict.UNKNOWN,
            is_first=first,
            at=now,
            report_hash=report,
        )
    )
    return True


def bounces_of(session: Session, delivery_id: int) -> list[tuple[datetime, str | None]]:
    """Return (recorded at, hash of the report) for each bounce of a mail, oldest first."""
    rows = session.execute(
        select(EmailEventRow.at, EmailEventRow.report_hash)
        .where(EmailEventRow.delivery_id == delivery_id, EmailEventRow.kind == EventKind.BOUNCE)
        .order_by(EmailEventRow.at, EmailEventRow.id)
    )
    return [(at, report) for at, report in rows]


def resent_at(session: Session, delivery_id: int) -> list[datetime]:
    """Return when an admin had an unknown delivery sent again."""
    resent = (EmailEventRow.delivery_id == delivery_id, EmailEventRow.kind == EventKind.RESEND)
    return list(session.scalars(select(EmailEventRow.at).where(*resent)))


def record_complaint(session: Session, delivery_id: int, now: datetime, *, verified: bool) -> bool:
    """Record a complaint. Returns False if that was known. The caller has locked the reader.

    `verified`: an authenticated relay reported it. Only these count for the complaint rate.
    """
    known = select(EmailEventRow.id).where(
        EmailEventRow.delivery_id == delivery_id, EmailEventRow.kind == EventKind.COMPLAINT
    )
    if session.scalar(known) is not None:
        return False
    verdict = Verdict.HUMAN if verified else Verdict.UNKNOWN
    session.add(
        EmailEventRow(delivery_id=delivery_id, kind=EventKind.COMPLAINT, verdict=verdict, is_first=True, at=now)
    )
    return True


def newest_mail(session: Session, email: str, at: datetime) -> MailRef | None:
    """Return the newest mail that an address had been sent at an instant (UTC), whatever its result."""
    found = session.execute(
        select(DeliveryRow.id, SubscriberRow.security_stamp)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(
            SubscriberRow.email == email,
            DeliveryRow.state.in_((*_MAY_BOUNCE, DeliveryState.FAILED)),
            DeliveryRow.planned_at <= at,
        )
        .order_by(DeliveryRow.planned_at.desc(), DeliveryRow.id.desc())
        .limit(1)
    ).one_or_none()
    return MailRef(*found) if found else None


def complaints_by_domain(session: Session, since: datetime) -> list[tuple[str, int]]:
    """Return (domain, number of complaints since an instant), most first."""
    count = func.count()
    rows = session.execute(
        select(SubscriberRow.domain, count)
        .select_from(EmailEventRow)
        .join(DeliveryRow, DeliveryRow.id == EmailEventRow.delivery_id)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(*_complained(since))
        .group_by(SubscriberRow.domain)
        .order_by(count.desc(), SubscriberRow.domain)
        .limit(_MOST_DOMAINS)
    )
    return [(domain, n) for domain, n in rows]


def complaints_of_domain(session: Session, domain: str, since: datetime) -> int:
    """Count the complaints of people at a domain since an instant."""
    return (
        session.scalar(
            select(func.count())
            .select_from(EmailEventRow)
            .join(DeliveryRow, DeliveryRow.id == EmailEventRow.delivery_id)
            .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
            .where(*_complained(since), SubscriberRow.domain == domain)
        )
        or 0
    )


def _complained(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return _IS_COMPLAINT, EmailEventRow.verdict == Verdict.HUMAN, EmailEventRow.at >= since


def recent_bounces(session: Session, since: datetime, limit: int) -> list[tuple[int, str, str, datetime]]:
    """Return (subscriber id, address, reply, instant) of the newest bounces.

    The reply is empty if the mail was sent again since: what the delivery says is about that.
    """
    is_over = DeliveryRow.state.in_([DeliveryState.FAILED, DeliveryState.CANCELLED])
    rows = session.execute(
        select(SubscriberRow.id, SubscriberRow.email, case((is_over, DeliveryRow.smtp_response)), EmailEventRow.at)
        .select_from(EmailEventRow)
        .join(DeliveryRow, DeliveryRow.id == EmailEventRow.delivery_id)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(_IS_BOUNCE, EmailEventRow.at >= since)
        .order_by(EmailEventRow.at.desc(), EmailEventRow.id.desc())
        .limit(limit)
    )
    return [(id_, email, (reply or "").removeprefix(BOUNCED), at) for id_, email, reply, at in rows]


def arrived_at_domain(session: Session, domain: str, since: datetime, most: int) -> int:
    """Count the mails to a domain that arrived since an instant, up to `most`."""
    some = (
        select(DeliveryRow.id)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(
            SubscriberRow.domain == domain,
            DeliveryRow.state == DeliveryState.ACCEPTED,
            DeliveryRow.settled_at >= since,
        )
        .limit(most)
    )
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def consecutive_bounces(session: Session, subscriber_id: int, sent_at: datetime, since: datetime) -> int:
    """Count the bounces that blame a person's mailbox, since the last mail that arrived before `sent_at`."""
    theirs = DeliveryRow.subscriber_id == subscriber_id
    arrived = session.scalar(
        select(func.max(DeliveryRow.settled_at)).where(
            theirs, DeliveryRow.state == DeliveryState.ACCEPTED, DeliveryRow.settled_at < sent_at
        )
    )
    blamed = (EmailEventRow.kind == EventKind.BOUNCE, EmailEventRow.verdict == Verdict.MACHINE)
    back = (
        select(func.count())
        .select_from(EmailEventRow)
        .join(DeliveryRow, DeliveryRow.id == EmailEventRow.delivery_id)
        .where(theirs, *blamed, EmailEventRow.at > max(since, arrived or since))
    )
    return session.scalar(back) or 0
