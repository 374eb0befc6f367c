"""What says that a mail arrived, or that it was given up: SQL conditions and the replies that record it."""

from __future__ import annotations

from sqlalchemy import and_

from rugcourse.db.models import DeliveryState, EmailEventRow, EventKind, Verdict

# The reply of a delivery that its reader used while its result was in doubt, by the state that it had.
ARRIVED = {
    DeliveryState.UNKNOWN: "its reader used it, so it arrived",
    DeliveryState.PLANNED: "its reader used it before it was sent again, so it arrived",
    DeliveryState.CANCELLED: "its reader used it after it was given up, so it arrived",
}


# SQL: an event says that a human followed a link of a mail, answered in it, or unsubscribed by it.
_USES = (EventKind.CLICK, EventKind.ANSWER, EventKind.UNSUBSCRIBE)
WAS_USED = and_(EmailEventRow.kind.in_(_USES), EmailEventRow.verdict == Verdict.HUMAN)
# SQL: an event says that a delivery was given up: it bounced, or an operator had it sent again.
GIVEN_UP = EmailEventRow.kind.in_((EventKind.RESEND, EventKind.BOUNCE))
