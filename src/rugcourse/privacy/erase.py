"""Erases people. Only a keyed hash of the address is kept, so that an import can't add them again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.engine import scrub_after_commit
from rugcourse.db.models import ERASED, SubscriberRow
from rugcourse.db.queries import address_changes, delivery_planning, erasure, subscribers
from rugcourse.db.search_index import forget_erased
from rugcourse.db.withdrawal_log import FORMER_ADDRESS
from rugcourse.enrolment.signup import CONFIRMATION_WINDOW
from rugcourse.links import Signer


def erase(session: Session, now: datetime, signer: Signer, subscriber_id: int, *, keep_hash: bool = True) -> bool:
    """Erase a person. Returns False if there is no subscriber with this id.

    A suppression with reason `ERASED` is added; confirming a new signup lifts it. A suppression for another reason
    stays. `keep_hash` False: without a suppression, for somebody who never became a reader.
    """
    person = session.get(SubscriberRow, subscriber_id, with_for_update=True)
    if person is None:
        return False
    if keep_hash:
        subscribers.suppress(session, signer.digest(person.email), ERASED, now)
        if person.former_address_hash is not None:  # lists may still contain it; by now it may belong to somebody else
            subscribers.suppress(session, person.former_address_hash, ERASED, now, noted=FORMER_ADDRESS)
    for asked_at in delivery_planning.asked_to_confirm(session, subscriber_id, now - CONFIRMATION_WINDOW):
        if person.confirmed_at is not None and asked_at <= person.confirmed_at:
            continue  # the limit of unanswered confirmation mails outlasts the erasure
        address_changes.add(session, None, None, signer.digest(person.email), asked_at)
    session.expunge(person)
    erasure.erase_person(session, subscriber_id)
    forget_erased(session)
    scrub_after_commit(session)
    return True
