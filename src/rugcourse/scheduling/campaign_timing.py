"""When a campaign sends its mails: the campaign's own timing, with each reader's schedule for the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rugcourse.scheduling.cadence import DAILY, Cadence
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
    """When a campaign goes out. For a field that is None, each reader's schedule applies.

    The first mail goes out at the instant `at` (UTC) for everybody, or from the local date `day` on. Later mails, and
    the first one without `at`, go out at the local `hour`, on `weekdays` (0 is Monday), at least `every_days` apart.
    `cadence`: that of the course, which applies where the campaign has no setting of its own; not stored with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime | None = None
    day: date | None = None
    hour: int | None = Field(default=None, ge=0, le=23)
    weekdays: frozenset[int] | None = None
    every_days: int | None = Field(default=None, ge=1, le=30)
    cadence: Cadence = Field(default=DAILY, exclude=True)

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
    def has_fixed_start(self) -> bool:
        """Whether the first mail has a fixed moment, which must not be moved silently."""
        return self.at is not None or self.day is not None

    def begun(self, now: datetime) -> Timing:
        """Return the timing of a campaign that starts at `now`.

        Without a fixed moment, the first mail goes out at `now`, or from today on if an hour or weekdays are set.
        """
        if self.has_fixed_start:
            return self
        moment = {"at": now} if self.hour is None and self.weekdays is None else {"day": now.date()}
        return self.model_copy(update=moment)

    def document(self) -> dict[str, object]:
        """Return the timing as JSON for the database."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True, slots=True)
class Missed:
    """The fixed moment has passed: an admin has to decide what happens to the mail."""


@lru_cache(maxsize=4096)  # many readers share a schedule
def applied(timing: Timing, schedule: Schedule, *, awaits_answer: bool = False) -> Schedule:
    """Return a reader's schedule with the cadence of the course and the settings of a campaign over it.

    `awaits_answer`: the quiz of their last lesson is not answered, and the next one waits for that.
    """
    cadence = timing.cadence
    interval = cadence.interval(schedule.every_days, awaits_answer=awaits_answer)
    return replace(
        schedule,
        hour=schedule.hour if timing.hour is None else timing.hour,
        weekdays=cadence.days_for(schedule.weekdays) if timing.weekdays is None else timing.weekdays,
        every_days=interval if timing.every_days is None else timing.every_days,
    )


@lru_cache(maxsize=4096)
def next_mail(
    timing: Timing,
    schedule: Schedule,
    after: datetime,
    last_local_date: date | None = None,
    quiet: QuietHours | None = None,
    *,
    awaits_answer: bool = False,
) -> datetime | None:
    """Return the first instant (UTC) at or after `after` at which a campaign may write to a reader, see `next_due`.

    If `last_local_date` is None this is the first mail, for which the campaign can fix the moment. An instant that
    applies to everybody is moved only if it falls into a reader's `quiet` hours.
    """
    if last_local_date is None and timing.at is not None:
        if schedule.paused and schedule.paused_until is None:
            return None
        ends = [schedule.paused_until] if schedule.paused and schedule.paused_until else []
        return _awake(max([timing.at, after, *ends]), schedule, quiet)
    if last_local_date is None and timing.day is not None:
        after = max(after, datetime.combine(timing.day, time(0), tzinfo=schedule.tz).astimezone(after.tzinfo))
    return next_due(applied(timing, schedule, awaits_answer=awaits_answer), after, last_local_date)


def decide_for(  # noqa: PLR0911, PLR0913 - all inputs of the decision, and one return for each outcome
    timing: Timing,
    schedule: Schedule,
    due: datetime,
    now: datetime,
    send_window: SendWindow,
    last_local_date: date | None = None,
    *,
    first: bool = False,
    go_from: datetime | None = None,
    awaits_answer: bool = False,
) -> Decision | Missed:
    """Decide whether a campaign's mail that was due at `due` goes out at `now`, see `decide`.

    A fixed moment of the `first` mail is kept or missed, never moved. `go_from`: an admin decided that mails missed
    before this instant go out from it on.
    """
    if not (timing.has_fixed_start and first):
        mine = applied(timing, schedule, awaits_answer=awaits_answer)
        return decide(mine, due, now, send_window, last_local_date)
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
    """Return the instant, or the end of the reader's quiet hours if it falls into them."""
    if quiet is None:
        return instant
    local = instant.astimezone(schedule.tz)
    if local.hour not in quiet:
        return instant
    begin = local.replace(minute=0, second=0, microsecond=0)
    hours = next(n for n in range(1, 25) if (begin.hour + n) % 24 not in quiet)
    return begin.astimezone(instant.tzinfo) + hours * _HOUR
