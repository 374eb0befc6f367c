"""Erases people: what is left is a keyed hash of the address, so that an import can't bring them back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.engine import scrub_after_commit
from rugcourse.db.models import ERASED, SubscriberRow
from rugcourse.db.queries import address_changes, delivery_planning, erasure, subscribers
from rugcourse.db.withdrawal_log import FORMER_ADDRESS
from rugcourse.enrolment.signup import CONFIRMATION_WINDOW
from rugcourse.links import Signer


def erase(session: Session, now: datetime, signer: Signer, subscriber_id: int, *, keep_hash: bool = True) -> bool:
    """Delete everything about a person. False when there is nobody with this id (any more).

    They can sign up again, and confirm that it is them: that lifts the suppression. One for another reason stays.
    `keep_hash` False: for somebody who never became a reader.
    """
    person = session.get(SubscriberRow, subscriber_id, with_for_update=True)
    if person is None:
        return False
    if keep_hash:
        subscribers.suppress(session, signer.digest(person.email), ERASED, now)
        if person.former_address is not None:  # by which lists may still know them; it can be somebody else's by now
            subscribers.suppress(session, person.former_address, ERASED, now, noted=FORMER_ADDRESS)
    for asked_at in delivery_planning.asked_to_confirm(session, subscriber_id, now - CONFIRMATION_WINDOW):
        if person.confirmed_at is not None and asked_at <= person.confirmed_at:
            continue  # how often they were asked for nothing still counts
        address_changes.add(session, None, None, signer.digest(person.email), asked_at)
    session.expunge(person)
    erasure.erase_person(session, subscriber_id)
    scrub_after_commit(session)
    return True
