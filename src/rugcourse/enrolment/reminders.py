"""Reminds somebody who signed up and did not confirm: once for each signup, a day after the first mail went out.

`subscriber.remind_at` says when to look at a person, as `enrolment.next_due_at` does for lessons. The reminder repeats
the link of the first mail, which ends when it would have ended, so a reminder gives nobody more time. It goes out only
while that link has days to run: not after an outage or a hold of days.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.models import DeliveryRow, DeliveryState, EventKind, SubscriberRow
from rugcourse.db.queries import courses, delivery_planning, email_events, subscribers
from rugcourse.enrolment.confirmation import is_open
from rugcourse.enrolment.signup import REMIND_AFTER, asked_too_often, may_sign_up
from rugcourse.links import Signer

LATEST_AFTER = timedelta(days=5)  # of the seven days of the link
_BATCH = 200
_CAME_BACK = {EventKind.BOUNCE, EventKind.COMPLAINT}


def plan_reminders(session: Session, now: datetime, signer: Signer) -> bool:
    """Plan the reminders that are due for a batch of people. Returns whether there may be more.

    Whether the person still wants it is asked again when it is sent, see `delivery_planning.still_wanted`.
    """
    people = subscribers.lock_to_remind(session, now, _BATCH)
    for person in people:
        person.remind_at = _remind(session, now, signer, person)
    return len(people) == _BATCH


def _remind(session: Session, now: datetime, signer: Signer, person: SubscriberRow) -> datetime | None:
    """Plan the reminders of one person; returns when to look again, None for never."""
    asked = [one for one in delivery_planning.newest_asked(session, person.id) if is_open(session, now, one.id)]
    later = [due for one in asked if (due := _due_at(one, now)) is not None and due > now]
    for one in asked:
        due = _due_at(one, now)
        if due is not None and due <= now and _may_remind(session, now, signer, person, one):
            delivery_planning.plan_reminder(session, one, due - REMIND_AFTER + LATEST_AFTER, now)
    return min(later, default=None)


def _due_at(asked: DeliveryRow, now: datetime) -> datetime | None:
    """Return when a confirmation mail is to be followed by a reminder; None if by none.

    That a mail arrived must be likely: nothing follows one that failed, or of which nobody knows.
    """
    match asked.state:
        case DeliveryState.PLANNED | DeliveryState.SUBMITTING if now < asked.planned_at + LATEST_AFTER:
            return now + REMIND_AFTER  # it waits itself
        case DeliveryState.ACCEPTED if asked.settled_at is not None and now < asked.settled_at + LATEST_AFTER:
            return asked.settled_at + REMIND_AFTER
        case _:
            return None


def _may_remind(session: Session, now: datetime, signer: Signer, person: SubscriberRow, asked: DeliveryRow) -> bool:
    campaign_id = asked.campaign_id or 0
    came_back = any(event.kind in _CAME_BACK for event in email_events.of_delivery(session, asked.id))
    return (
        not came_back
        and courses.takes_readers(session, campaign_id)
        and may_sign_up(session, signer, person.email)
        and not asked_too_often(session, signer, person, campaign_id, now)
    )
