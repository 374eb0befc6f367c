"""Sends unknown deliveries again, if an admin decides so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.db.models import EventKind, Verdict
from rugcourse.db.queries import arrivals, cancellations, deliveries, email_events, subscribers
from rugcourse.db.queries.email_events import Event


def resend(session: Session, now: datetime, ids: Collection[int]) -> list[int]:
    """Plan the `unknown` deliveries among `ids` again, with the same Message-ID; returns which.

    Mail clients that got the first copy show one message, or recognise the second as the same. A lesson or broadcast
    goes out at the reader's next hour; mail that a person waits for goes out now.
    """
    in_doubt = [one for one in sorted(ids) if not _was_used(session, one, now)]
    lessons = [one for one in in_doubt if _plan_again(session, one, now)]
    planned = sorted([*lessons, *deliveries.resend(session, in_doubt, now)])
    email_events.add_events(session, [Event(one, EventKind.RESEND, Verdict.HUMAN, now) for one in planned])
    return planned


def _was_used(session: Session, delivery_id: int, now: datetime) -> bool:
    """Whether the reader used the mail, even at the moment when a worker marked it as unknown."""
    subscribers.lock_of_mail(session, delivery_id)
    return arrivals.was_used(session, delivery_id) and arrivals.confirm_by_activity(session, delivery_id, now)


def _plan_again(session: Session, delivery_id: int, now: datetime) -> bool:
    if not deliveries.cancel_unknown(session, delivery_id, now):
        return False
    cancellations.rewind_enrolments(session, [delivery_id], due_since_planned=True)
    return True
