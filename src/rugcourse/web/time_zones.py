"""Time zones as people know them: by country and city, in the language of the page (Unicode CLDR)."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from babel.core import get_global

from rugcourse.i18n import country_name, locale_of
from rugcourse.scheduling import zone_names

_NOT_COUNTRIES = ("001", "ZZ")  # "the world" and "unknown" (UN M.49, CLDR)


class ZoneChoice(NamedTuple):
    """A time zone to choose. `name`: in the IANA database; `also`: older names of it, which some browsers still use."""

    name: str
    label: str
    also: tuple[str, ...]


def zone_choices(language: str, current: str) -> tuple[ZoneChoice, ...]:
    """Return the time zones to choose from, with the current one, even if it is not offered otherwise."""
    offered = _offered(language)
    if any(current == one.name or current in one.also for one in offered):
        return offered
    return (ZoneChoice(current, zone_label(current, language), ()), *offered)


@lru_cache(maxsize=16)
def _offered(language: str) -> tuple[ZoneChoice, ...]:
    """Return each time zone of a place once, sorted by its label, and UTC."""
    older = defaultdict(list)
    for alias, name in get_global("zone_aliases").items():
        older[name].append(alias)
    offered = [name for name in zone_names() if name in get_global("zone_territories") or name == "UTC"]
    choices = [ZoneChoice(name, zone_label(name, language), tuple(sorted(older[name]))) for name in offered]
    return tuple(sorted(choices, key=lambda one: unicodedata.normalize("NFKD", one.label).casefold()))


def zone_label(name: str, language: str) -> str:
    """Return a time zone in words: `Nederland (Amsterdam)`. One without a country is its city."""
    name = get_global("zone_aliases").get(name, name)
    city = locale_of(language).time_zones.get(name, {}).get("city") or name.rpartition("/")[2].replace("_", " ")
    country = get_global("zone_territories").get(name, _NOT_COUNTRIES[0])
    return str(city) if country in _NOT_COUNTRIES else f"{country_name(country, language)} ({city})"
