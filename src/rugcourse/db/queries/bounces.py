"""What came back, in the ledger: a bounce is a failure that comes later, a complaint an event."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from rugcourse.db.models import DeliveryRow, DeliveryState, EmailEventRow, EventKind, SubscriberRow, Verdict
from rugcourse.links import MailRef

BOUNCED = "came back: "  # how the reply of such a delivery begins
_MOST_DOMAINS = 50
_MAY_BOUNCE = (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.SUBMITTING)


class Failure(NamedTuple):
    """How a mail did not arrive, in a server's words.

    `again`: it is to be sent once more, so it counts as cancelled until then. `refused`: it failed in the conversation
    itself. `blames_reader`: it says something of their mailbox, and not of who sends.
    """

    words: str
    again: bool
    refused: bool
    blames_reader: bool


def record_bounce(
    session: Session, delivery_id: int, failure: Failure, now: datetime, report: str | None = None
) -> bool:
    """A mail did not arrive after all. Returns False when that was known, or can't be.

    It is kept as an event as well: by these it is counted, and found by when it came, and by `report`, a keyed hash of
    what identifies the report that said so.
    """
    state = DeliveryState.CANCELLED if failure.again else DeliveryState.FAILED
    before = (DeliveryState.FAILED,) if failure.refused else _MAY_BOUNCE
    noted = (
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state.in_(before))
        .values(state=state, reply=failure.words, settled_at=now, lease=None)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(noted) is None:
        return False
    first = not bounces_of(session, delivery_id)
    session.add(
        EmailEventRow(
            delivery_id=delivery_id,
            kind=EventKind.BOUNCE,
            verdict=Verdict.MACHINE if failure.blames_reader else Verdict.UNKNOWN,
            first=first,
            at=now,
            report=report,
        )
    )
    return True


def bounces_of(session: Session, delivery_id: int) -> list[tuple[datetime, str | None]]:
    """(when it was noted, hash of the report) of each time that a mail came back, the first one first."""
    rows = session.execute(
        select(EmailEventRow.at, EmailEventRow.report)
        .where(EmailEventRow.delivery_id == delivery_id, EmailEventRow.kind == EventKind.BOUNCE)
        .order_by(EmailEventRow.at, EmailEventRow.id)
    )
    return [(at, report) for at, report in rows]


def resent_at(session: Session, delivery_id: int) -> list[datetime]:
    """When an admin had a mail sent again of which nobody knew whether it arrived."""
    resent = (EmailEventRow.delivery_id == delivery_id, EmailEventRow.kind == EventKind.RESEND)
    return list(session.scalars(select(EmailEventRow.at).where(*resent)))


def record_complaint(session: Session, delivery_id: int, now: datetime, *, verified: bool) -> bool:
    """A reader called a mail spam. Returns False when that was known; the delivery's reader is locked.

    `verified`: a relay that proved who it is said so. Only these count for how many readers complain.
    """
    known = select(EmailEventRow.id).where(
        EmailEventRow.delivery_id == delivery_id, EmailEventRow.kind == EventKind.COMPLAINT
    )
    if session.scalar(known) is not None:
        return False
    verdict = Verdict.HUMAN if verified else Verdict.UNKNOWN
    session.add(EmailEventRow(delivery_id=delivery_id, kind=EventKind.COMPLAINT, verdict=verdict, first=True, at=now))
    return True


def newest_mail(session: Session, email: str, at: datetime) -> MailRef | None:
    """The newest mail that somebody had been sent at an instant (UTC), whatever became of it later."""
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
    """(domain, how many mails to people there were called spam since an instant), the most first."""
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
    """How many mails to people at a domain were called spam since an instant."""
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
    return EmailEventRow.kind == EventKind.COMPLAINT, EmailEventRow.verdict == Verdict.HUMAN, EmailEventRow.at >= since


def recent_bounces(session: Session, since: datetime, limit: int) -> list[tuple[int, str, str, datetime]]:
    """(subscriber, address, what was said, when) of the newest mails that came back."""
    rows = session.execute(
        select(SubscriberRow.id, SubscriberRow.email, DeliveryRow.reply, EmailEventRow.at)
        .select_from(EmailEventRow)
        .join(DeliveryRow, DeliveryRow.id == EmailEventRow.delivery_id)
        .join(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(EmailEventRow.kind == EventKind.BOUNCE, EmailEventRow.at >= since)
        .order_by(EmailEventRow.at.desc(), EmailEventRow.id.desc())
        .limit(limit)
    )
    return [(id_, email, (reply or "").removeprefix(BOUNCED), at) for id_, email, reply, at in rows]


def arrived_at_domain(session: Session, domain: str, since: datetime, most: int) -> int:
    """How many mails to people at a domain arrived since an instant; counts no further than `most`."""
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
    """How often mails to a person came back for what their mailbox is, up to the one that was sent at an instant, since
    one before it arrived.
    """
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
