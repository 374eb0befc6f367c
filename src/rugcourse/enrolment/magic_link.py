"""Magic links: a new link to a reader's own page, by mail, for somebody without a recent mail of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import DeliveryKind, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import delivery_planning, enrolments, subscribers

_KNOWN = {SubscriberStatus.ACTIVE, SubscriberStatus.LEFT}


def request_link(session: Session, now: datetime, email: str) -> None:
    """Plan a mail with the link, at most one a day; nothing for an address that is no reader's."""
    person = subscribers.by_email(session, email, lock=True)
    if person is not None:
        _plan(session, now, person)


def renew_link(session: Session, now: datetime, delivery_id: int) -> None:
    """The same for the person that a mail was sent to, who may want to do what takes a new link: one an hour."""
    found = subscribers.by_delivery(session, delivery_id, lock=True)
    if found is not None:
        _plan(session, now, found[0], f":{now.hour}")


def _plan(session: Session, now: datetime, person: SubscriberRow, hour: str = "") -> None:
    theirs = enrolments.of_subscriber(session, person.id)
    if person.status not in _KNOWN or not theirs:
        return
    # A link that went to a former address, or that was closed, opens nothing any more.
    ends = [at for at in (person.address_since, person.links_closed_at) if at is not None]
    since = f":{max(ends).timestamp():.0f}" if ends else ""
    once_key = f"link:{person.id}{since}:{now.date()}{hour}"
    delivery_planning.plan_transactional(
        session, DeliveryKind.MAGIC_LINK, person.id, theirs[-1].campaign_id, once_key, now
    )
