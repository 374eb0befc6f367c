"""Tells who gets which lesson when, if nothing changes: without sending, and by the rule that plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rugcourse.clock import Clock
from rugcourse.schedule import Patience, SendNow, decide, next_due
from rugcourse.store import courses, enrolments
from rugcourse.store.database import Database
from rugcourse.store.enrolments import ExpectedEnrolment

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A lesson that will be sent at an instant (UTC), which is `local` for its reader."""

    email: str
    campaign_id: int
    lesson: str
    at: datetime
    local: datetime


def forecast(database: Database, clock: Clock, patience: Patience, days: int) -> Iterator[Upcoming]:
    """Every lesson of the coming `days`, reader by reader. Reads the store a page at a time, of any size."""
    now = clock.now()
    until = now + timedelta(days=days)
    with database.read() as session:
        slugs = courses.lesson_slugs(session)
    after = 0
    while True:
        with database.read() as session:
            page = enrolments.expected(session, after, _PAGE)
        for one in page:
            yield from _of_reader(one, slugs.get(one.campaign_id, {}), now, until, patience)
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _of_reader(
    one: ExpectedEnrolment, slugs: Mapping[int, str], now: datetime, until: datetime, patience: Patience
) -> Iterator[Upcoming]:
    at, last_date, position = _first(one, now, patience), one.last_local_date, one.position
    while at is not None and at <= until and position in slugs:
        local = at.astimezone(ZoneInfo(one.schedule.zone))
        yield Upcoming(one.email, one.campaign_id, slugs[position], at, local)
        last_date, position = local.date(), position + 1
        at = next_due(one.schedule, at, last_date)


def _first(one: ExpectedEnrolment, now: datetime, patience: Patience) -> datetime | None:
    if one.due_at > now:
        return one.due_at
    decision = decide(one.schedule, one.due_at, now, patience, one.last_local_date)
    return now if isinstance(decision, SendNow) else decision.instant
