"""Magic links: mails a link to their own page to readers who have no recent mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import DeliveryKind, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import delivery_planning, enrolments, subscribers

_KNOWN = {SubscriberStatus.ACTIVE, SubscriberStatus.LEFT}


def request_link(session: Session, now: datetime, email: str) -> None:
    """Plan a mail with a link, at most one a day; nothing if the address is not a reader's."""
    person = subscribers.by_email(session, email, lock=True)
    if person is not None:
        _plan(session, now, person)


def renew_link(session: Session, now: datetime, delivery_id: int) -> None:
    """Plan a mail with a link for the recipient of a mail, at most one an hour: some actions need a recent link."""
    found = subscribers.by_delivery(session, delivery_id, lock=True)
    if found is not None:
        _plan(session, now, found[0], f":{now.hour}")


def _plan(session: Session, now: datetime, person: SubscriberRow, hour: str = "") -> None:
    theirs = enrolments.of_subscriber(session, person.id)
    if person.status not in _KNOWN or not theirs:
        return
    # A link that was mailed to an earlier address, or was closed, does not count for the limit.
    ends = [at for at in (person.address_corrected_at, person.links_revoked_at) if at is not None]
    since = f":{max(ends).timestamp():.0f}" if ends else ""
    idempotency_key = f"link:{person.id}{since}:{now.date()}{hour}"
    delivery_planning.plan_transactional(
        session, DeliveryKind.MAGIC_LINK, person.id, theirs[-1].campaign_id, idempotency_key, now
    )
