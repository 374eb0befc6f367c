"""What becomes of a mail that was refused for good: its end, and what follows from that, in one transaction.

Were they two, a process that dies between them would leave a lesson that never goes out again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.queries import deliveries, delivery_planning, subscribers
from rugcourse.db.queries.deliveries import Settlement

# Called in the transaction that writes a refusal down, with the delivery and the server's words.
OnRejection = Callable[[Session, int, str], None]

# What a server says of this mailbox: by its enhanced status (RFC 3463) if it gives one, else by its code (RFC 5321).
_ABOUT_THE_MAILBOX = re.compile(r"[45]\d\d[ -]\d\.[12]\.\d|(?:45[02]|55[0-3])[ -](?!\d\.\d)")


def settle_failure(session: Session, lease: str, failure: Settlement, now: datetime, on_rejection: OnRejection) -> bool:
    """Write down that a submission failed, with all that follows. Returns False when that was done before.

    The person is locked first, as by everything else that is done for them.
    """
    subscribers.lock_of_mail(session, failure.delivery_id)
    if not deliveries.record_results(session, lease, [failure], now):
        return False
    on_rejection(session, failure.delivery_id, failure.reply)
    return True


def give_up_late(session: Session, delivery_id: int, now: datetime, on_rejection: OnRejection) -> bool:
    """End a mail that its reader's server put off until the reader's hour was over. Returns False when it ended before.

    What was said of the mailbox has the consequences of a refusal: one that stays full is given up in the end. A lesson
    that was put off for another reason comes again at the reader's next hour.
    """
    subscribers.lock_of_mail(session, delivery_id)
    reply = delivery_planning.fail_late(session, delivery_id, now)
    if reply is None:
        return False
    if _ABOUT_THE_MAILBOX.match(reply):
        on_rejection(session, delivery_id, reply)
    elif delivery_planning.is_lesson(session, delivery_id):
        delivery_planning.cancel_failed(session, delivery_id)
    return True
