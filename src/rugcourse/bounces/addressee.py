"""About whose address a report is: the reader's, the one they had before, or one that we never wrote to.

A mistyped address that was put right bounces later; mail that is passed on bounces from where it was passed on to.
Neither says anything of the address that mail goes to now.
"""

from __future__ import annotations

from enum import StrEnum

from rugcourse.db.models import SubscriberRow
from rugcourse.enrolment.signup import normalise_email
from rugcourse.links import Signer


class Addressee(StrEnum):
    READER = "reader"
    FORMER = "former"  # where mail went until somebody put the address right, or one before that
    ANOTHER = "another"  # mail was passed on to it


def addressee_of(person: SubscriberRow, signer: Signer, named: str, *, former: bool) -> Addressee:
    """`named`: the address in the report, if any. `former`: the mail went to one that they had before.

    Of these only the last is known. Any other name in a report of such a mail is one from before that, or mail was
    passed on from there: neither says anything of the address now.
    """
    address = normalise_email(named) if named else None
    if address == person.email or (address is None and not former):
        return Addressee.READER
    return Addressee.FORMER if former or is_former(person, signer, address) else Addressee.ANOTHER


def is_former(person: SubscriberRow, signer: Signer, address: str | None) -> bool:
    """Whether somebody had an address until theirs was put right last."""
    return address is not None and signer.digest(address) == person.former_address
