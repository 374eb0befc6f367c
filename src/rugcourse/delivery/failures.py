"""Records failed deliveries together with their consequences, in one transaction.

In two transactions, a process that dies in between would leave a lesson that never goes out again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.queries import cancellations, delivery_planning, results, subscribers
from rugcourse.db.queries.results import Settlement

# Called with the delivery's id and the server's reply, in the transaction that records the failure.
OnRejection = Callable[[Session, int, str], None]

# Replies about the mailbox: by the enhanced status (RFC 3463) if there is one, else by the code (RFC 5321).
_ABOUT_THE_MAILBOX = re.compile(r"[45]\d\d[ -]\d\.[12]\.\d|(?:45[02]|55[0-3])[ -](?!\d\.\d)")


def settle_failure(session: Session, lease: str, failure: Settlement, now: datetime, on_rejection: OnRejection) -> bool:
    """Record a failed submission and its consequences. Returns False if that was done before.

    Locks the subscriber first, as all changes to a person do.
    """
    subscribers.lock_of_mail(session, failure.delivery_id)
    if not results.record_results(session, lease, [failure], now):
        return False
    on_rejection(session, failure.delivery_id, failure.reply)
    return True


def give_up_late(session: Session, delivery_id: int, now: datetime, on_rejection: OnRejection) -> bool:
    """Give up a mail that the server deferred until the reader's hour was over. Returns False if it had ended before.

    A reply about the mailbox has the consequences of a refusal: a mailbox that stays full is suppressed in the end. A
    lesson that was deferred for another reason is sent again at the reader's next hour.
    """
    subscribers.lock_of_mail(session, delivery_id)
    reply = cancellations.fail_late(session, delivery_id, now)
    if reply is None:
        return False
    if _ABOUT_THE_MAILBOX.match(reply):
        on_rejection(session, delivery_id, reply)
    elif delivery_planning.is_lesson(session, delivery_id):
        cancellations.cancel_failed(session, delivery_id)
    return True
