"""Where every "now" comes from.

Nothing in the product asks the operating system for the time; it is handed a `Clock`. That is what lets a course of
nine days be rehearsed in minutes, and a test stand on the night the clocks change.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SECONDS_PER_DAY = 86_400


class Clock(Protocol):
    """Tells the time, in UTC."""

    def now(self) -> datetime:
        """The present instant, with `UTC` as its zone."""
        ...

    def span(self, seconds: float) -> timedelta:
        """How far this clock moves while the machine spends `seconds`.

        Leases, connection retries and "too fast for a human" are about the machine's time. On a clock that runs
        1,440 times as fast, a lease of a minute must still last a minute for the worker that holds it.
        """
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def span(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)


class VirtualClock:
    """A clock that moves only when it is told to: for tests and rehearsals."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def span(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def move_to(self, instant: datetime) -> None:
        self._now = instant.astimezone(UTC)

    def advance(self, **duration: float) -> None:
        """Move on by a duration given as for `timedelta`: `clock.advance(hours=6)`."""
        self._now += timedelta(**duration)


class ScaledClock:
    """A clock on which a day lasts `day_seconds` of the machine's time: for the demo."""

    def __init__(self, start: datetime, day_seconds: float) -> None:
        if day_seconds <= 0:
            raise ValueError("a day must last longer than 0 seconds")
        self._start = start.astimezone(UTC)
        self._factor = SECONDS_PER_DAY / day_seconds
        self._begun = time.monotonic()

    def now(self) -> datetime:
        return self._start + self.span(time.monotonic() - self._begun)

    def span(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds * self._factor)
