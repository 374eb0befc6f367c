"""The time zones that a reader can choose."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

DEFAULT_ZONE = "Europe/Amsterdam"

_CONTINENTS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


@cache
def zone_names() -> tuple[str, ...]:
    """IANA names of places, sorted; without the aliases (`GMT+0`, `EST5EDT`) that nobody calls their home."""
    return (*sorted(name for name in available_timezones() if name.startswith(_CONTINENTS)), "UTC")


def is_zone(name: str) -> bool:
    return name in zone_names()
