"""What is going to happen in a simulation, in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count


@dataclass(order=True, slots=True)
class PlannedEvent:
    """An event at an instant. At the same instant, events happen in the order of planning."""

    at: datetime
    number: int
    act: Callable[[], None] = field(compare=False)


class EventQueue:
    """Planned events, earliest first."""

    def __init__(self) -> None:
        self._planned: list[PlannedEvent] = []
        self._numbers = count()

    def add(self, at: datetime, act: Callable[[], None]) -> None:
        """Plan `act` for an instant (UTC). An instant that has passed means: as soon as possible."""
        heapq.heappush(self._planned, PlannedEvent(at, next(self._numbers), act))

    @property
    def next_at(self) -> datetime | None:
        """When the next event happens (UTC), or None if none is planned."""
        return self._planned[0].at if self._planned else None

    def run_next(self) -> None:
        """Let the next event happen. Raises IndexError if none is planned."""
        heapq.heappop(self._planned).act()

    def run_due(self, now: datetime) -> None:
        """Let all events happen that were planned for up to `now`, with those that they plan for up to then."""
        while self._planned and self._planned[0].at <= now:
            self.run_next()
