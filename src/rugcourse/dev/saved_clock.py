"""Keeps the time of a demo, so that it goes on where it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rugcourse.clock import Clock, ScaledClock


def open_clock(file: Path, day_seconds: float) -> ScaledClock:
    """A clock that starts at the saved time, or at the machine's when there is none."""
    try:
        start = datetime.fromisoformat(file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        start = datetime.now(UTC)
    return ScaledClock(start, day_seconds)


def save_clock(file: Path, clock: Clock) -> None:
    """Write the time down; a crash leaves the old or the new one, never half of it."""
    draft = file.with_suffix(".new")
    draft.write_text(clock.now().isoformat(), encoding="ascii")
    draft.replace(file)
