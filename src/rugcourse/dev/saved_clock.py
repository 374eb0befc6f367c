"""Saves the time of a demo, so that it continues where it stopped, and names its files.

Every command imports this, and only one of them runs a demo with all its pages.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rugcourse.clock import Clock, ScaledClock

DATABASE = "rugcourse.db"  # the files of a demo, in its folder
CLOCK = "clock"


def open_clock(file: Path, day_seconds: float) -> ScaledClock:
    """Return a clock that starts at the saved time, or at the current time if there is none."""
    try:
        start = datetime.fromisoformat(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        start = datetime.now(UTC)
    return ScaledClock(start, day_seconds)


def save_clock(file: Path, clock: Clock) -> None:
    """Save the time atomically: a crash leaves the old or the new one."""
    draft = file.with_suffix(".new")
    draft.write_text(clock.now().isoformat(), encoding="ascii")
    draft.replace(file)
