"""About whose address a report is: the reader's, the one they had before, or one that we never wrote to.

A mistyped address that was put right bounces later; mail that is passed on bounces from where it was passed on to.
Neither says anything of the address that mail goes to now.
"""

from __future__ import annotations

from enum import StrEnum

from rugcourse.enrolment.signup import normalise_email
from rugcourse.links import Signer
from rugcourse.store.tables import SubscriberRow


class Addressee(StrEnum):
    READER = "reader"
    FORMER = "former"  # where mail went until somebody put the address right
    ANOTHER = "another"  # mail was passed on to it


def addressee_of(person: SubscriberRow, signer: Signer, named: str, *, former: bool) -> Addressee:
    """`named`: the address in the report, if any. `former`: the mail went to the one that they had before."""
    address = normalise_email(named) if named else None
    if address is None:
        return Addressee.FORMER if former else Addressee.READER
    if address == person.email:
        return Addressee.READER
    return Addressee.FORMER if signer.digest(address) == person.former_address else Addressee.ANOTHER
