"""Addresses that must not be written to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.enrolment.signup import NotAnAddress, normalise_email
from rugcourse.links import Signer
from rugcourse.store import subscribers
from rugcourse.store.database import Database


def suppress(database: Database, clock: Clock, signer: Signer, address: str, reason: str) -> None:
    """Never write to an address again, whoever signs it up. Raises NotAnAddress.

    Only a keyed hash is kept, so that it lasts when everything else about the person is erased.
    """
    email = normalise_email(address)
    if email is None:
        raise NotAnAddress(address)
    with database.write() as session:
        suppress_in(session, clock.now(), signer, email, reason)


def suppress_in(session: Session, now: datetime, signer: Signer, email: str, reason: str) -> None:
    """The same in a transaction of the caller, for an address that is normalised."""
    subscribers.suppress(session, signer.digest(email), reason, now)
    subscribers.stop_writing_to(session, email)
