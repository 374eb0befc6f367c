"""Addresses that must not be written to.

Only a keyed hash of an address is kept, with the reason and the day, so that it lasts when everything else about its
owner is erased. Whose it was can be asked of it, and nobody can be listed that is not known otherwise.
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
from rugcourse.enrolment.preferences import end_measuring, end_news, go_on_from
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.errors import InvalidState
from rugcourse.links import Signer
from rugcourse.settings import SettingsError

_KEY = "suppression key"


class UnknownSuppressionKey(SettingsError):
    """Addresses that must not be written to are known by a key that is not in the settings any more."""

    def __init__(self) -> None:
        super().__init__(
            "addresses that must not be written to are known by a key that is not in the settings any more: put it "
            "back as the last of RUGCOURSE_SECRET_KEYS, or set RUGCOURSE_SUPPRESSION_KEY to it"
        )


class NotSuppressed(InvalidState):
    """The address may be written to as it is."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why, and since when (UTC); `subscriber_id` and `email` are None for somebody who is not known any more."""

    reason: str
    at: datetime
    subscriber_id: int | None = None
    email: str | None = None


def check_key(session: Session, signer: Signer) -> None:
    """Remember by which key suppressed addresses are known. Raises UnknownSuppressionKey when it is another one by now.

    With another key nobody on the list would be recognised, and all of them written to.
    """
    fingerprint = signer.digest("fingerprint of this key")[:16]
    kept = heartbeats.get_value(session, _KEY)
    if kept == fingerprint:
        return
    if kept is not None and subscribers.has_suppressions(session):
        raise UnknownSuppressionKey
    heartbeats.set_value(session, _KEY, fingerprint)


def suppress_address(session: Session, now: datetime, signer: Signer, address: str, reason: str) -> None:
    """Never write to an address again that somebody typed, whoever signs it up. Raises NotAnAddress."""
    suppress(session, now, signer, _normalised(address), reason)


def suppress_person(session: Session, now: datetime, signer: Signer, subscriber_id: int, reason: str) -> None:
    """Never write again to the address that somebody has at this moment."""
    # Their address may be corrected just now.
    person = session.get(SubscriberRow, subscriber_id, with_for_update=LOCK, populate_existing=True)
    if person is not None:
        suppress(session, now, signer, person.email, reason)


def suppress(session: Session, now: datetime, signer: Signer, email: str, reason: str) -> None:
    """Never write to an address again, which is normalised: what its owner agreed to ends."""
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
    """Let an address be written to again: its owner goes on where they were.

    Who complained does not: they left, and come back of their own will or not at all. Raises NotAnAddress,
    NotSuppressed.
    """
    email = _normalised(address)
    person = subscribers.by_email(session, email, lock=True)  # first: their complaint may come in just now
    kept = subscribers.find_suppression(session, signer.digest(email))
    if kept is None:
        raise NotSuppressed
    if person is not None and person.status == SubscriberStatus.SUPPRESSED:
        if kept.reason == COMPLAINT:
            person.left_at = person.left_at or now
        person.status = _status_of(session, person)
        cancellations.retry_failed(session, person.id, now)  # also for who may come back one day
        if person.status == SubscriberStatus.ACTIVE:
            go_on_from(session, person.id, now)
    session.delete(kept)
    withdrawal_log.record(session, withdrawal_log.LIFTED, now, email=email)


def find(session: Session, signer: Signer, address: str) -> Suppressed | None:
    """What is known of an address; None when it may be written to, or is none."""
    email = normalise_email(address)
    if email is None:
        return None
    kept = subscribers.find_suppression(session, signer.digest(email))
    return Suppressed(kept.reason, kept.at, None, email) if kept else None


def people(session: Session, signer: Signer, after_id: int, limit: int) -> list[Suppressed]:
    """Suppressed people who are known, by id, after one of them."""
    rows = subscribers.suppressed_people(session, after_id, limit)
    kept = subscribers.suppressions_among(session, [signer.digest(row.email) for row in rows])
    return [
        Suppressed(found.reason, found.at, row.id, row.email)
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
    began = person.confirmed_at is not None or bool(enrolments.of_subscriber(session, person.id))  # also by an import
    return SubscriberStatus.ACTIVE if began else SubscriberStatus.PENDING
