"""The one place that decides on which day, and at which instant, a lesson is due.

A schedule is local: a zone name, an hour, the weekdays. What is stored and returned is UTC. Rules:

- at most one lesson per local day, also after an outage, a pause or a move to another zone;
- an hour that a clock change skips moves forward (02:00 becomes 03:00); one that comes twice is taken once;
- a lesson goes out at the reader's hour or shortly after; when that moment is missed it waits for the next one, so
  that nobody gets a mail at night because a server was down, and nobody gets a pile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))

# A reader with one weekday whose date was just used waits 7 days; one who crossed the date line may wait one more.
_DAYS_TO_LOOK_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Schedule:
    """When somebody wants to be written to.

    `weekdays`: 0 is Monday. `paused_until`: nothing is due before this instant (UTC); `paused` without it: until
    further notice. `every_days`: how many days pass from one lesson to the next, at least; 7 is weekly.
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
    """No mail of its own accord between these local hours, `start` to `end` (both 0 to 23), over midnight or not.

    Who chose an hour within them chose it.
    """

    start: int
    end: int

    def __contains__(self, hour: int) -> bool:
        return (hour - self.start) % 24 < (self.end - self.start) % 24


@dataclass(frozen=True, slots=True)
class SendWindow:
    """How long after the reader's hour a lesson may still go out: for `grace`, but not into `quiet` hours."""

    grace: timedelta
    quiet: QuietHours | None = None

    def ends(self, schedule: Schedule, slot: datetime) -> datetime:
        """Until when (UTC) the lesson of the reader's hour `slot` may go out."""
        end = slot + self.grace
        if self.quiet is None or schedule.hour in self.quiet:
            return end
        today = schedule.local_date(slot)
        nights = (_local_hour(day, self.quiet.start, schedule.zone) for day in (today, today + timedelta(days=1)))
        return min([end, *(night for night in nights if night > slot)])


@dataclass(frozen=True, slots=True)
class SendNow:
    """The lesson goes out, by an instant (UTC), and is the one of this local date."""

    local_date: date
    send_by: datetime


@dataclass(frozen=True, slots=True)
class ShiftTo:
    """The moment has passed or is not allowed: due again at `instant` (UTC), or when the pause ends if None."""

    instant: datetime | None


Decision = SendNow | ShiftTo


@lru_cache(maxsize=4096)  # readers with the same schedule have the same next hour
def next_due(schedule: Schedule, after: datetime, last_local_date: date | None = None) -> datetime | None:
    """The first instant at or after `after` at which a lesson may go out, in UTC.

    `last_local_date` is the local date of the lesson before: the next one is `every_days` later or more. None means:
    paused until further notice.
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
    """Whether a lesson that stood planned for `due` goes out at `now`, or when it does instead.

    It goes out at the reader's hour or a little later, as `send_window` says, on a local date that has had none.
    `due` may be stale, after an outage or because the reader changed the schedule.
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
    """The instant of a local hour: the first of two where the clock goes back, the next real one where it is skipped.

    PEP 495: `fold=0` reads a skipped hour with the offset from before the change, which lands after the gap.
    """
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone)).astimezone(UTC)
