"""Decides which address a report is about: the reader's current one, a former one, or one we never wrote to.

A mistyped address may still bounce after it was corrected, and forwarded mail bounces from where it was forwarded to.
Neither says anything about the reader's current address.
"""

from __future__ import annotations

from enum import StrEnum

from rugcourse.db.models import SubscriberRow
from rugcourse.enrolment.signup import normalise_email
from rugcourse.links import Signer


class Addressee(StrEnum):
    READER = "reader"
    FORMER = "former"  # the reader's address before a correction
    ANOTHER = "another"  # an address that mail was forwarded to


def addressee_of(person: SubscriberRow, signer: Signer, named: str, *, former: bool) -> Addressee:
    """Decide which address a report is about.

    `named`: the address in the report, if any. `former`: the mail went to a former address of the reader. Only the
    last former address is known. Another address in the report of such a mail is an older one, or one that mail was
    forwarded to: neither says anything about the current address.
    """
    address = normalise_email(named) if named else None
    if address == person.email or (address is None and not former):
        return Addressee.READER
    return Addressee.FORMER if former or is_former(person, signer, address) else Addressee.ANOTHER


def is_former(person: SubscriberRow, signer: Signer, address: str | None) -> bool:
    """Whether `address` was the person's address until the last correction."""
    return address is not None and signer.digest(address) == person.former_address_hash
