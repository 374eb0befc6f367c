"""Address changes by readers: a link is mailed to the new address, and the change takes effect once it is confirmed.

The response is the same whether or not an address is known, so that nobody can find out who is a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.models import ERASED, AddressChangeRow, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import address_changes, erasure, subscribers
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment.admin_changes import AddressTaken, change_address
from rugcourse.enrolment.preferences import NotAReader
from rugcourse.enrolment.signup import CONFIRMATION_WINDOW, MAX_CONFIRMATION_MAILS, may_sign_up
from rugcourse.errors import NotFoundError
from rugcourse.links import Signer

VALID = timedelta(days=1)


class AddressNotConfirmable(NotFoundError):
    """The link has expired or was replaced by a newer one, or the address now belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class AddressRequest:
    """What to mail to a requested address. `link`: the id and secret for the link that confirms it; None to tell a
    reader who already has the address.
    """

    email: str
    language: str
    link: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A confirmed change. `email_before`: the old address; None if the change was confirmed before."""

    subscriber_id: int
    language: str
    email_before: str | None


def request_change(
    session: Session, now: datetime, signer: Signer, subscriber_id: int, email: str
) -> AddressRequest | None:
    """Store a request to change a reader's address to a normalised one, and return what to mail there.

    Returns None if nothing may be mailed. An address gets at most three of these mails in thirty days, and only the
    link of the latest request works. Raises NotAReader.
    """
    digest = signer.digest(email)
    person = _reader(session, subscriber_id)
    if address_changes.asked(session, digest, now - CONFIRMATION_WINDOW) >= MAX_CONFIRMATION_MAILS:
        return None
    address_changes.withdraw(session, person.id)
    other = subscribers.by_email(session, email)
    is_readers = other is not None and other.status != SubscriberStatus.PENDING
    is_free = not is_readers and may_sign_up(session, signer, email)
    change = address_changes.add(session, person.id, email if is_free else None, digest, now)
    if is_free:
        return AddressRequest(email, person.language, (change.id, change.secret))
    if other is not None and other.status in {SubscriberStatus.ACTIVE, SubscriberStatus.LEFT}:
        return AddressRequest(email, other.language, None)
    return None


def find_change(session: Session, now: datetime, change_id: int, secret: int) -> tuple[AddressChangeRow, SubscriberRow]:
    """Return the request that a link confirms, and its reader. Raises AddressNotConfirmable."""
    change = address_changes.find(session, change_id)
    if change is None or change.secret != secret or now - change.requested_at >= VALID:
        raise AddressNotConfirmable
    if change.subscriber_id is None:  # the reader was erased
        raise AddressNotConfirmable
    person = session.get(SubscriberRow, change.subscriber_id)
    if person is None or (change.email is None and change.confirmed_at is None):
        raise AddressNotConfirmable
    return change, person


def confirm(session: Session, now: datetime, signer: Signer, change_id: int, secret: int) -> AddressChange:
    """Change a reader's address by the link that was mailed to the new one. Idempotent.

    An unconfirmed signup at the new address is erased, as its owner is known now. Raises AddressNotConfirmable.
    """
    change, person = find_change(session, now, change_id, secret)
    session.refresh(person, with_for_update=LOCK)
    session.refresh(change)  # a concurrent request may have confirmed or replaced it
    if change.confirmed_at is not None:
        return AddressChange(person.id, person.language, None)
    if change.email is None or person.status != SubscriberStatus.ACTIVE:
        raise AddressNotConfirmable
    email, email_before = change.email, person.email
    other = subscribers.by_email(session, email, lock=True)
    if other is not None and other.status == SubscriberStatus.PENDING:
        erasure.erase_person(session, other.id)
    try:
        change_address(session, now, signer, person.id, email)
    except AddressTaken:
        raise AddressNotConfirmable from None
    subscribers.lift_suppression(session, signer.digest(email), ERASED)
    change.confirmed_at, change.email = now, None
    return AddressChange(person.id, person.language, email_before)


def _reader(session: Session, subscriber_id: int) -> SubscriberRow:
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK)
    if person is None or person.status != SubscriberStatus.ACTIVE:
        raise NotAReader
    return person
