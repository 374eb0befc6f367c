"""Makes the next lesson of a course that waits for answers due, when the quiz of the last one is answered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from rugcourse.db.queries import campaigns, enrolments, subscribers
from rugcourse.scheduling import next_mail


class ReaderOfCampaign(NamedTuple):
    """A reader, and the campaign that sent them the mail which they answered."""

    campaign_id: int
    subscriber_id: int


def release_next_lessons(
    session: Session, answered: Collection[int], now: datetime
) -> dict[ReaderOfCampaign, datetime]:
    """Make the next lesson of each reader due at their next hour, if it waits for an answer to one of these mails.

    Still at most one lesson a day, on the days of the course. Returns when it is due, in the reader's time zone;
    without readers whose next lesson does not wait, or who have a pause without an end. The caller has locked the
    readers.
    """
    due: dict[ReaderOfCampaign, datetime] = {}
    for enrolment in enrolments.answered_in(session, answered, awaiting=True):
        enrolment.awaits_answer = False
        schedule = subscribers.load_schedule(session, enrolment.subscriber_id)
        timing = campaigns.find_timing(session, enrolment.campaign_id)
        at = next_mail(timing, schedule, now, enrolment.last_local_date)
        if at is not None and enrolment.next_due_at is not None:
            enrolment.next_due_at = min(at, enrolment.next_due_at)
            reader = ReaderOfCampaign(enrolment.campaign_id, enrolment.subscriber_id)
            due[reader] = enrolment.next_due_at.astimezone(schedule.tz)
    session.flush()
    return due


def hold_next_lessons(session: Session, pressed_by_machines: Collection[int], now: datetime) -> None:
    """Let the next lesson wait again where the answers to these mails turned out to be a machine's."""
    for enrolment in enrolments.answered_in(session, pressed_by_machines, awaiting=False):
        timing = campaigns.find_timing(session, enrolment.campaign_id)
        if timing.cadence.waits_for_answer and enrolment.next_due_at is not None:
            schedule = subscribers.load_schedule(session, enrolment.subscriber_id)
            enrolment.awaits_answer = True
            last = enrolment.last_local_date
            enrolment.next_due_at = next_mail(timing, schedule, now, last, awaits_answer=True)
    session.flush()
