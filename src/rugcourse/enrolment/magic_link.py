"""A new link to the reader's own page, by mail: for who has no mail of ours at hand, or an old one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import DeliveryKind, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import delivery_planning, enrolments, subscribers

_KNOWN = {SubscriberStatus.ACTIVE, SubscriberStatus.LEFT}


def request_link(database: Database, clock: Clock, email: str) -> None:
    """Plan a mail with the link, at most one a day; nothing for an address that is no reader's."""
    with database.write() as session:
        person = subscribers.by_email(session, email, lock=True)
        if person is not None:
            _plan(session, clock, person)


def renew_link(database: Database, clock: Clock, delivery_id: int) -> None:
    """The same for the person that a mail was sent to, who may want to do what takes a new link: one an hour."""
    with database.write() as session:
        found = subscribers.by_delivery(session, delivery_id, lock=True)
        if found is not None:
            _plan(session, clock, found[0], f":{clock.now().hour}")


def _plan(session: Session, clock: Clock, person: SubscriberRow, hour: str = "") -> None:
    theirs = enrolments.of_subscriber(session, person.id)
    if person.status not in _KNOWN or not theirs:
        return
    # A link that went to a former address, or that was closed, opens nothing any more.
    ends = [at for at in (person.address_since, person.links_closed_at) if at is not None]
    since = f":{max(ends).timestamp():.0f}" if ends else ""
    once_key = f"link:{person.id}{since}:{clock.now().date()}{hour}"
    delivery_planning.plan_transactional(
        session, DeliveryKind.MAGIC_LINK, person.id, theirs[-1].campaign_id, once_key, clock.now()
    )
