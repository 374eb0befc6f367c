"""Forecasts who gets which lesson when, without sending, by the same rules as the planner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.queries import campaigns, due_enrolments
from rugcourse.db.queries.campaigns import Sending
from rugcourse.db.queries.due_enrolments import ExpectedEnrolment
from rugcourse.delivery.planner import decide
from rugcourse.scheduling import SendNow, SendWindow, ShiftTo, is_zone, next_mail

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A lesson that will be sent at `at` (UTC), which is `local` in the reader's time zone."""

    email: str
    campaign_id: int
    lesson: str
    at: datetime
    local: datetime


def forecast_mails(database: Database, clock: Clock, send_window: SendWindow, days: int) -> Iterator[Upcoming]:
    """Yield every lesson of the coming `days`, reader by reader. Reads the database in pages."""
    now = clock.now()
    until = now + timedelta(days=days)
    with database.read() as session:
        running = {one.id: one for one in campaigns.sending(session)}
        slugs = {lesson_id: slug for _, _, lesson_id, slug in campaigns.places_of_lessons(session)}
    after = 0
    while True:
        with database.read() as session:
            page = due_enrolments.expected(session, after, _PAGE)
        for one in page:
            campaign = running.get(one.campaign_id)
            for lesson_id, at in _of_reader(one, campaign, now, until, send_window) if campaign else ():
                local = at.astimezone(ZoneInfo(one.schedule.zone))
                yield Upcoming(one.email, one.campaign_id, slugs[lesson_id], at, local)
        if len(page) < _PAGE:
            return
        after = page[-1].id


def count_by_hour(database: Database, clock: Clock, send_window: SendWindow, days: int) -> dict[datetime, int]:
    """Count the lessons for each hour (UTC) of the coming `days`. Readers with the same state are computed once."""
    now = clock.now()
    until = now + timedelta(days=days)
    hours: Counter[datetime] = Counter()
    with database.read() as session:
        running = {one.id: one for one in campaigns.sending(session)}
        for one, how_many in due_enrolments.expected_groups(session):
            campaign = running.get(one.campaign_id)
            for _, at in _of_reader(one, campaign, now, until, send_window) if campaign else ():
                hours[at.replace(minute=0, second=0, microsecond=0)] += how_many
    return dict(sorted(hours.items()))


def _of_reader(
    one: ExpectedEnrolment, campaign: Sending, now: datetime, until: datetime, send_window: SendWindow
) -> Iterator[tuple[int, datetime]]:
    """Yield (lesson id, instant) of the lessons to come of one enrolment.

    Where lessons wait for an answer, at the latest: answers make them come earlier.
    """
    if not is_zone(one.schedule.zone):  # nothing can be planned for them, as the audit reports
        return
    at, last_date, position = _first(one, campaign, now, send_window), one.last_local_date, one.position
    while at is not None and at <= until and position in campaign.lessons:
        yield campaign.lessons[position], at
        last_date, position = one.schedule.local_date(at), position + 1
        waits = campaign.timing.cadence.waits_for_answer
        at = next_mail(campaign.timing, one.schedule, at, last_date, awaits_answer=waits)


def _first(one: ExpectedEnrolment, campaign: Sending, now: datetime, send_window: SendWindow) -> datetime | None:
    if one.due_at > now:
        return one.due_at
    match decide(campaign, one, now, send_window):
        case SendNow():
            return now
        case ShiftTo(instant):
            return instant
        case _:  # missed: an admin has to decide when
            return None
