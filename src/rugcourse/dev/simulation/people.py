"""Generates readers from a seed: where they live, when they want their lessons, and what they will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rugcourse.scheduling import EVERY_DAY

# Mostly in the home zone; the others include offsets of 30 and 45 minutes and both sides of the date line.
_ZONES = (
    ["Europe/Amsterdam"] * 12
    + ["Europe/Brussels", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Kolkata"]
    + ["Asia/Kathmandu", "Australia/Adelaide", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati"]
)
_HOURS = (6, 7, 7, 8, 8, 8, 8, 9, 9, 12, 17, 18, 19, 20, 21)
_WORKDAYS = frozenset(range(5))
_OTHERS = 0.2  # part of the readers who don't read the course's main language


@dataclass(slots=True)
class SimulatedReader:
    """A simulated reader. Days count from the first of the simulation; None: they never do that."""

    number: int
    zone: str
    hour: int
    weekdays: frozenset[int]
    language: str
    signs_up_after_hours: float
    bounces: bool
    opens: float
    answers: float
    knows: float
    pauses_on_day: int | None
    pauses_for_days: int
    moves_on_day: int | None
    moves_to: str
    leaves_on_day: int | None
    wants_news: bool

    @property
    def email(self) -> str:
        return f"r{self.number}@d{self.number % 97}.example"


def make_person(number: int, days: int, seed: int, languages: Sequence[str]) -> SimulatedReader:
    """Generate the reader with this number, always the same for the same seed. Most read the first of `languages`."""
    chance = Random(f"{seed}:{number}")  # noqa: S311 - a simulation

    def some_day(probability: float) -> int | None:
        return chance.randrange(1, max(2, days)) if chance.random() < probability else None

    return SimulatedReader(
        number=number,
        zone=chance.choice(_ZONES),
        hour=chance.choice(_HOURS),
        weekdays=_WORKDAYS if chance.random() < 0.2 else EVERY_DAY,
        language=_language(chance.random(), languages),
        signs_up_after_hours=chance.uniform(0, 24),
        bounces=chance.random() < 0.01,
        opens=chance.betavariate(4, 2),
        answers=chance.betavariate(3, 2),
        knows=chance.betavariate(4, 3),
        pauses_on_day=some_day(0.05),
        pauses_for_days=chance.randrange(1, 6),
        moves_on_day=some_day(0.03),
        moves_to=chance.choice(_ZONES),
        leaves_on_day=some_day(0.05),
        wants_news=chance.random() < 0.6,
    )


def _language(chance: float, languages: Sequence[str]) -> str:
    """Return the first language for 80 % of the chances from 0 to 1, and each other one for its part of the rest."""
    first, *others = languages
    return others[int(chance / _OTHERS * len(others))] if others and chance < _OTHERS else first
