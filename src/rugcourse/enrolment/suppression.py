"""Suppressed addresses, which must not be written to.

Only a keyed hash is stored, with reason and time, so that the entry outlasts the erasure of its owner. An address can
be looked up, but the list does not reveal any address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db import withdrawal_log
from rugcourse.db.models import COMPLAINT, SubscriberRow, SubscriberStatus
from rugcourse.db.queries import cancellations, enrolments, heartbeats, subscribers
from rugcourse.db.queries.subscribers import LOCK
from rugcourse.enrolment import consents
from rugcourse.enrolment.consents import ConsentContext, ConsentPurpose, ConsentSource
from rugcourse.enrolment.preferences import end_measuring, end_news, resume_enrolments
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.errors import InvalidState
from rugcourse.links import Signer
from rugcourse.settings import SettingsError

_KEY = "suppression key"


class UnknownSuppressionKey(SettingsError):
    """The suppression list was hashed with a key that is no longer in the settings."""

    def __init__(self) -> None:
        super().__init__(
            "the suppression list was hashed with a key that is not in the settings any more: restore it "
            "as the last of RUGCOURSE_SECRET_KEYS, or set RUGCOURSE_SUPPRESSION_KEY to it"
        )


class NotSuppressed(InvalidState):
    """The address is not suppressed."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppressed address: reason and start (UTC). `subscriber_id` and `email` are None if its owner is unknown."""

    reason: str
    at: datetime
    subscriber_id: int | None = None
    email: str | None = None


def check_key(session: Session, signer: Signer) -> None:
    """Store a fingerprint of the suppression key. Raises UnknownSuppressionKey if it differs from the stored one.

    With another key no entry would match, and all suppressed addresses would be written to.
    """
    fingerprint = signer.digest("fingerprint of this key")[:16]
    kept = heartbeats.get_value(session, _KEY)
    if kept == fingerprint:
        return
    if kept is not None and subscribers.has_suppressions(session):
        raise UnknownSuppressionKey
    heartbeats.set_value(session, _KEY, fingerprint)


def suppress_address(session: Session, now: datetime, signer: Signer, address: str, reason: str) -> None:
    """Suppress an address as it was typed, known or not. Raises NotAnAddress."""
    suppress(session, now, signer, _normalised(address), reason)


def suppress_person(session: Session, now: datetime, signer: Signer, subscriber_id: int, reason: str) -> None:
    """Suppress the current address of a subscriber."""
    # Locked, as a concurrent transaction may correct the address.
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is not None:
        suppress(session, now, signer, person.email, reason)


def suppress(session: Session, now: datetime, signer: Signer, email: str, reason: str) -> None:
    """Suppress a normalised address, and withdraw its owner's consents."""
    person = subscribers.by_email(session, email, lock=True)
    subscribers.suppress(session, signer.digest(email), reason, now)
    if person is not None:
        person.status = SubscriberStatus.SUPPRESSED
        complained = reason == COMPLAINT
        context = ConsentContext(now, ConsentSource.COMPLAINT if complained else ConsentSource.SUPPRESSED)
        if complained:
            consents.keep(session, person, ConsentPurpose.LESSONS, context, given=False)
            end_news(session, person, context)
        end_measuring(session, person, context)


def lift(session: Session, now: datetime, signer: Signer, address: str) -> None:
    """Lift a suppression; its owner's courses continue.

    After a complaint they do not: its owner counts as left, and has to sign up again. Raises NotAnAddress,
    NotSuppressed.
    """
    email = _normalised(address)
    person = subscribers.by_email(session, email, lock=True)  # locked first, as a complaint may arrive at the same time
    kept = subscribers.find_suppression(session, signer.digest(email))
    if kept is None:
        raise NotSuppressed
    if person is not None and person.status == SubscriberStatus.SUPPRESSED:
        if kept.reason == COMPLAINT:
            person.left_at = person.left_at or now
        person.status = _status_of(session, person)
        cancellations.retry_failed(session, person.id, now)  # also for readers who may come back later
        if person.status == SubscriberStatus.ACTIVE:
            resume_enrolments(session, person.id, now)
    session.delete(kept)
    withdrawal_log.record(session, withdrawal_log.LIFTED, now, email=email)


def find(session: Session, signer: Signer, address: str) -> Suppressed | None:
    """Return the suppression of an address; None if it is not suppressed or not an address."""
    email = normalise_email(address)
    if email is None:
        return None
    kept = subscribers.find_suppression(session, signer.digest(email))
    return Suppressed(kept.reason, kept.created_at, None, email) if kept else None


def people(session: Session, signer: Signer, after_id: int, limit: int) -> list[Suppressed]:
    """Return known suppressed people with ids above `after_id`, by id."""
    rows = subscribers.suppressed_people(session, after_id, limit)
    kept = subscribers.suppressions_among(session, [signer.digest(row.email) for row in rows])
    return [
        Suppressed(found.reason, found.created_at, row.id, row.email)
        for row in rows
        if (found := kept.get(signer.digest(row.email))) is not None
    ]


def _normalised(address: str) -> str:
    email = normalise_email(address)
    if email is None:
        raise NotAnAddress(address)
    return email


def _status_of(session: Session, person: SubscriberRow) -> SubscriberStatus:
    if person.left_at is not None:
        return SubscriberStatus.LEFT
    began = person.confirmed_at is not None or bool(
        enrolments.of_subscriber(session, person.id)
    )  # an import enrols without confirmation
    return SubscriberStatus.ACTIVE if began else SubscriberStatus.PENDING
