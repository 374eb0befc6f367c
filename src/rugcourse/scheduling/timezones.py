"""The time zones that readers can choose from."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from rugcourse.setting_values import ZONE_CONTINENTS


@cache
def zone_names() -> tuple[str, ...]:
    """Return the IANA names of places, sorted, without aliases that name no place (`GMT+0`, `EST5EDT`)."""
    return (*sorted(name for name in available_timezones() if name.startswith(ZONE_CONTINENTS)), "UTC")


def is_zone(name: str) -> bool:
    return name in zone_names()
