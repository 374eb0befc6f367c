"""Decides on which day, and at which instant, a lesson is due. No other module does.

A schedule is local: a zone name, an hour, the weekdays. Stored and returned times are UTC. Rules:

- at most one lesson per local day, even after an outage, a pause or a change of time zone;
- an hour that a clock change skips moves forward (02:00 becomes 03:00); an hour that occurs twice counts once;
- a lesson goes out at the reader's hour or shortly after; if that moment is missed it waits for the next one, so
  that an outage never causes a mail at night or a pile of mails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))

# A reader with one weekday who has had today's lesson waits 7 days; crossing the date line may add one more.
_DAYS_TO_LOOK_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a reader wants to get lessons.

    `weekdays`: 0 is Monday. `paused_until`: nothing is due before this instant (UTC); `paused` without it: until
    further notice. `every_days`: the minimum number of days between two lessons; 7 is weekly.
    """

    zone: str
    hour: int
    weekdays: frozenset[int] = EVERY_DAY
    paused: bool = False
    paused_until: datetime | None = None
    every_days: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.hour <= 23:
            raise ValueError(f"hour {self.hour} is not between 0 and 23")
        if not self.weekdays or not self.weekdays <= EVERY_DAY:
            raise ValueError("choose at least one weekday, Monday (0) to Sunday (6)")
        if self.every_days < 1:
            raise ValueError(f"lessons can't come every {self.every_days} days")

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def is_paused(self, now: datetime) -> bool:
        return self.paused and (self.paused_until is None or self.paused_until > now)

    def local_date(self, instant: datetime) -> date:
        return instant.astimezone(self.tz).date()


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The local hours in which no mail goes out, from `start` up to `end` (both 0 to 23); they may span midnight.

    A reader whose own hour falls within them still gets lessons at that hour.
    """

    start: int
    end: int

    def __contains__(self, hour: int) -> bool:
        return (hour - self.start) % 24 < (self.end - self.start) % 24


@dataclass(frozen=True, slots=True)
class SendWindow:
    """How long after the reader's hour a lesson may still go out: for `grace`, but not during `quiet` hours."""

    grace: timedelta
    quiet: QuietHours | None = None

    def ends(self, schedule: Schedule, slot: datetime) -> datetime:
        """Return until when (UTC) the lesson due at `slot` may go out."""
        end = slot + self.grace
        if self.quiet is None or schedule.hour in self.quiet:
            return end
        today = schedule.local_date(slot)
        nights = (_local_hour(day, self.quiet.start, schedule.zone) for day in (today, today + timedelta(days=1)))
        return min([end, *(night for night in nights if night > slot)])


@dataclass(frozen=True, slots=True)
class SendNow:
    """The lesson goes out before `send_by` (UTC), as the lesson of `local_date`."""

    local_date: date
    send_by: datetime


@dataclass(frozen=True, slots=True)
class ShiftTo:
    """The moment has passed or is not allowed: due again at `instant` (UTC), or if None, when the pause ends."""

    instant: datetime | None


Decision = SendNow | ShiftTo


@lru_cache(maxsize=4096)  # many readers share a schedule
def next_due(schedule: Schedule, after: datetime, last_local_date: date | None = None) -> datetime | None:
    """Return the first instant (UTC) at or after `after` at which a lesson may go out.

    `last_local_date` is the local date of the previous lesson: the next one is at least `every_days` later. Returns
    None if the reader has paused until further notice.
    """
    if schedule.paused:
        if schedule.paused_until is None:
            return None
        after = max(after, schedule.paused_until)
    first_day = schedule.local_date(after)
    if last_local_date is not None:
        first_day = max(first_day, last_local_date + timedelta(days=schedule.every_days))
    for day in _days_from(first_day, schedule.weekdays):
        instant = _local_hour(day, schedule.hour, schedule.zone)
        if instant >= after:
            return instant
    raise AssertionError("a schedule with a weekday always has a next day")


@lru_cache(maxsize=4096)
def decide(
    schedule: Schedule, due: datetime, now: datetime, send_window: SendWindow, last_local_date: date | None = None
) -> Decision:
    """Decide whether a lesson that was due at `due` goes out at `now`, or when it goes out instead.

    It goes out at the reader's hour or later within `send_window`, on a local date that has had no lesson yet. `due`
    may be stale, after an outage or because the reader changed the schedule.
    """
    slot = next_due(schedule, max(due, now - send_window.grace), last_local_date)
    if slot is None or slot > now:
        return ShiftTo(slot)
    send_by = send_window.ends(schedule, slot)
    if send_by <= now:
        return ShiftTo(next_due(schedule, now, last_local_date))
    return SendNow(schedule.local_date(slot), send_by)


def _days_from(day: date, weekdays: frozenset[int]) -> Iterator[date]:
    for offset in range(_DAYS_TO_LOOK_AHEAD):
        candidate = day + timedelta(days=offset)
        if candidate.weekday() in weekdays:
            yield candidate


def _local_hour(day: date, hour: int, zone: str) -> datetime:
    """Return the instant of a local hour: the first of two if the clock goes back, the next one if it is skipped.

    PEP 495: `fold=0` reads a skipped hour with the offset from before the change, which lands after the gap.
    """
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone)).astimezone(UTC)
