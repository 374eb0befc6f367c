"""The source of every "now".

No code asks the operating system for the time; it gets a `Clock`. So a course of nine days can be simulated in
minutes, and a test can run in the night when the clocks change.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SECONDS_PER_DAY = 86_400


class Clock(Protocol):
    """Tells the time, in UTC."""

    def now(self) -> datetime:
        """Return the current instant, in UTC."""
        ...

    def span(self, seconds: float) -> timedelta:
        """Return how far this clock moves in `seconds` of wall-clock time.

        Leases, connection retries and "too fast for a human" use wall-clock time. On a clock that runs 1,440 times as
        fast, a lease of a minute must still last a minute for the worker that holds it.
        """
        ...


class SystemClock:
    """The wall clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def span(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)


class VirtualClock:
    """A clock that only moves when told to, for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def span(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def move_to(self, instant: datetime) -> None:
        self._now = instant.astimezone(UTC)

    def advance(self, **duration: float) -> None:
        """Advance by a duration with the arguments of `timedelta`: `clock.advance(hours=6)`."""
        self._now += timedelta(**duration)


class ScaledClock:
    """A clock on which a day lasts `day_seconds` of wall-clock time, for the demo."""

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
