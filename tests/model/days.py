"""The calendar that the model goes by, worked out apart from the product's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rugcourse.scheduling import Schedule

GRACE = timedelta(hours=4)
QUIET = (22, 7)
_STEP = timedelta(minutes=15)  # every offset of today is a multiple of it


def in_quiet_hours(hour: int) -> bool:
    return hour >= QUIET[0] or hour < QUIET[1]


@lru_cache(maxsize=20_000)
def slot(zone: str, hour: int, day: date) -> datetime | None:
    """The first instant of a local date at which the clock there shows `hour` or later; None where it has none."""
    tz = ZoneInfo(zone)
    instant = datetime.combine(day, time(hour), tzinfo=tz).astimezone(UTC) - timedelta(hours=2)
    for _ in range(20):
        local = instant.astimezone(tz)
        if local.date() == day and local.hour >= hour:
            return instant
        instant += _STEP
    return None


def window(zone: str, hour: int, day: date) -> tuple[datetime, datetime] | None:
    """From when to when a lesson of a local date may go out: for the grace, but not into the night."""
    begin = slot(zone, hour, day)
    if begin is None:
        return None
    end = begin + GRACE
    if not in_quiet_hours(hour):
        night = slot(zone, QUIET[0], day)
        end = min(end, night) if night is not None else end
    return begin, end


def slot_of(schedule: Schedule, at: datetime) -> datetime | None:
    """The reader's hour to which an instant belongs; None for one at which no lesson may go out."""
    today = schedule.local_date(at)
    for day in (today, today - timedelta(days=1)):
        found = window(schedule.zone, schedule.hour, day) if day.weekday() in schedule.weekdays else None
        if found is not None and found[0] <= at <= found[1]:
            return found[0]
    return None


def slots_after(schedule: Schedule, after: datetime, count: int) -> datetime:
    """The instant of the `count`-th of a reader's hours that come at or after an instant."""
    day = schedule.local_date(after)
    while True:
        found = slot(schedule.zone, schedule.hour, day) if day.weekday() in schedule.weekdays else None
        if found is not None and found >= after:
            count -= 1
            if count == 0:
                return found
        day += timedelta(days=1)
