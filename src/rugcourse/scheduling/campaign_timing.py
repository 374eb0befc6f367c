"""When a campaign reaches its readers: what it says itself, and what it leaves to each reader's own schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rugcourse.scheduling.schedule import (
    Decision,
    QuietHours,
    Schedule,
    SendNow,
    SendWindow,
    ShiftTo,
    decide,
    next_due,
)

_HOUR = timedelta(hours=1)


class Timing(BaseModel):
    """When a campaign goes out. What is None is as each reader wants it.

    `at`: the first mail at one instant (UTC) for everybody; else from the local date `day` on. What follows, and the
    first without `at`: at the local `hour`, on `weekdays` (0 is Monday), lessons at least `every_days` apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime | None = None
    day: date | None = None
    hour: int | None = Field(default=None, ge=0, le=23)
    weekdays: frozenset[int] | None = None
    every_days: int | None = Field(default=None, ge=1, le=30)

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if self.at is not None and self.day is not None:
            raise ValueError("either one instant for everybody, or a day of each reader's own")
        if self.at is not None and self.at.tzinfo is None:
            raise ValueError("an instant needs a zone")
        if self.weekdays is not None and not self.weekdays:
            raise ValueError("choose at least one weekday")
        return self

    @property
    def promises(self) -> bool:
        """Whether it says a moment for its first mail, which is not to be moved in silence."""
        return self.at is not None or self.day is not None

    def begun(self, now: datetime) -> Timing:
        """The same for a campaign that is started at an instant: one that names no moment begins then, or at the hour
        that it names.
        """
        if self.promises:
            return self
        moment = {"at": now} if self.hour is None and self.weekdays is None else {"day": now.date()}
        return self.model_copy(update=moment)

    def document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True, slots=True)
class Missed:
    """The promised moment is over: whoever runs the campaign has to say what becomes of it."""


@lru_cache(maxsize=4096)  # readers with the same schedule get it at the same time
def applied(timing: Timing, schedule: Schedule) -> Schedule:
    """A reader's schedule as it is for a campaign."""
    return replace(
        schedule,
        hour=schedule.hour if timing.hour is None else timing.hour,
        weekdays=schedule.weekdays if timing.weekdays is None else timing.weekdays,
        every_days=schedule.every_days if timing.every_days is None else timing.every_days,
    )


@lru_cache(maxsize=4096)
def next_mail(
    timing: Timing,
    schedule: Schedule,
    after: datetime,
    last_local_date: date | None = None,
    quiet: QuietHours | None = None,
) -> datetime | None:
    """The first instant at or after `after` at which a campaign may reach a reader (UTC), see `next_due`.

    `last_local_date` None: it is the first mail, for which the campaign can name the moment. One instant for everybody
    is moved only out of a reader's `quiet` hours.
    """
    if last_local_date is None and timing.at is not None:
        if schedule.paused and schedule.paused_until is None:
            return None
        ends = [schedule.paused_until] if schedule.paused and schedule.paused_until else []
        return _awake(max([timing.at, after, *ends]), schedule, quiet)
    if last_local_date is None and timing.day is not None:
        after = max(after, datetime.combine(timing.day, time(0), tzinfo=schedule.tz).astimezone(after.tzinfo))
    return next_due(applied(timing, schedule), after, last_local_date)


def decide_for(  # noqa: PLR0911, PLR0913 - what a decision is made from, and each of its ends
    timing: Timing,
    schedule: Schedule,
    due: datetime,
    now: datetime,
    send_window: SendWindow,
    last_local_date: date | None = None,
    *,
    first: bool = False,
    go_from: datetime | None = None,
) -> Decision | Missed:
    """Whether a mail of a campaign that stood planned for `due` goes out at `now`, see `decide`.

    A moment that was promised for the `first` mail is kept or missed, never moved. `go_from`: moments before this
    instant were missed, and somebody said: from then on.
    """
    if not (timing.promises and first):
        return decide(applied(timing, schedule), due, now, send_window, last_local_date)
    if schedule.is_paused(now):
        return ShiftTo(schedule.paused_until)
    if go_from is not None and due < go_from:
        moved = next_mail(timing, schedule, go_from, None, send_window.quiet)
        if moved is None or moved > now:
            return ShiftTo(moved)
        due = moved
    if timing.at is not None and (awake := _awake(due, schedule, send_window.quiet)) > now:
        return ShiftTo(awake)
    at_that_hour = replace(schedule, hour=due.astimezone(schedule.tz).hour)
    send_by = send_window.ends(at_that_hour, due)
    if send_by > now:
        return SendNow(schedule.local_date(due), send_by)
    if now < due + send_window.grace:  # the reader's quiet hours began
        after = _awake(now, schedule, send_window.quiet) if timing.at is not None else None
        return ShiftTo(after or next_due(applied(timing, schedule), now))
    return Missed()


def _awake(instant: datetime, schedule: Schedule, quiet: QuietHours | None) -> datetime:
    """The instant itself, or the end of the reader's quiet hours if it falls into them."""
    if quiet is None:
        return instant
    local = instant.astimezone(schedule.tz)
    if local.hour not in quiet:
        return instant
    begin = local.replace(minute=0, second=0, microsecond=0)
    hours = next(n for n in range(1, 25) if (begin.hour + n) % 24 not in quiet)
    return begin.astimezone(instant.tzinfo) + hours * _HOUR
