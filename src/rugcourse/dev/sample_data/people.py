"""Generates the readers of the sample data. Nobody here exists: names are combined, domains are reserved (RFC 2606)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from random import Random

from rugcourse.scheduling import EVERY_DAY, Schedule

DAYS = 42  # of history
SEED = 22
HOME_ZONE = "Europe/Amsterdam"
_IMPORTED = 40
_WORKDAYS = frozenset(range(5))
_DOMAINS = ("example.com", "example.org", "example.net", "post.example", "webmail.example", "mail.example")
# Language → time zones and local hours: those of most readers, and others. Most of them come at the same moments, as
# mails that go out together are planned together: that halves the time in which the history is made.
_TIMES = {
    "nl": (((HOME_ZONE, 8),), ((HOME_ZONE, 19), (HOME_ZONE, 19), ("Europe/Brussels", 8))),
    "en": (
        (("Europe/London", 7), (HOME_ZONE, 8)),
        (("Europe/London", 18), ("America/New_York", 13), ("Europe/Dublin", 7)),
    ),
}
_FIRST_IN_THE_EVENING = 20
_FIRST_NAMES = {
    "nl": (
        "Anneke", "Bas", "Carla", "Dirk", "Els", "Ferdi", "Greet", "Hans", "Ilse", "Jeroen", "Karin", "Lars", "Marieke",
        "Niels", "Olga", "Pieter", "Roos", "Sjoerd", "Tineke", "Wouter", "Yvonne", "Zeger", "Fatima", "Mehmet",
    ),
    "en": (
        "Alice", "Brian", "Chloe", "Daniel", "Emma", "Frank", "Grace", "Harry", "Isla", "James", "Kerry", "Liam",
        "Megan", "Nathan", "Olivia", "Priya",
    ),
}  # fmt: skip
_LAST_NAMES = {
    "nl": (
        "Aalbers", "Boersma", "Claassen", "Dijkman", "Elzinga", "Folkerts", "Groothuis", "Hoekstra", "Jonker", "Kuiper",
        "Lammers", "Meinders", "Nijland", "Oosting", "Postma", "Reitsma", "Smeets", "Terpstra", "Veldman", "Wiersma",
    ),
    "en": (
        "Ashworth", "Barlow", "Crawford", "Dawson", "Fletcher", "Goodwin", "Holloway", "Kirby", "Langley", "Mercer",
        "Osborne", "Pemberton", "Radcliffe", "Thornton",
    ),
}  # fmt: skip


class Incident(Enum):
    """Something out of the ordinary that happens to a reader, or that they do."""

    NONE = auto()
    NEVER_CONFIRMS = auto()
    WRONG_ADDRESS = auto()  # the mail server refuses their first mail for good
    MAILBOX_GONE = auto()  # a report says so after some lessons
    MAILBOX_FULL = auto()
    SERVER_IN_TROUBLE = auto()
    COMPLAINS = auto()
    UNSUBSCRIBES = auto()
    ONE_CLICK = auto()  # unsubscribes by the button of their mail program
    PAUSES = auto()  # for a week
    MOVES = auto()  # to another time zone


# Who signed up, in the order of their signups: 0 is the first. To the others nothing special happens.
_INCIDENTS = {
    Incident.MAILBOX_FULL: (1, 27),
    Incident.PAUSES: (7, 33),
    Incident.MOVES: (9,),
    Incident.SERVER_IN_TROUBLE: (11,),
    Incident.COMPLAINS: (12,),
    Incident.UNSUBSCRIBES: (14, 21, 31),
    Incident.MAILBOX_GONE: (15,),
    Incident.ONE_CLICK: (16,),
    Incident.WRONG_ADDRESS: (26,),
    Incident.NEVER_CONFIRMS: (29, 37, 39),
}
_AFTER_LESSONS = {
    Incident.MAILBOX_FULL: 2,
    Incident.MAILBOX_GONE: 5,
    Incident.UNSUBSCRIBES: 4,
    Incident.ONE_CLICK: 2,
}  # of the others: 3
_SIGNUPS = 40


@dataclass(frozen=True, slots=True)
class DemoReader:
    """A reader. `joins_after`: from the beginning of the history; None for those whom an admin imports.

    `opens`, `answers`, `clicks`, `writes`: how likely they do that with a lesson. `knows`: how likely they are right
    about a question before the course. `incident_after`: after how many lessons it happens to them.
    """

    number: int
    name: str
    email: str
    language: str
    schedule: Schedule
    joins_after: timedelta | None
    incident: Incident
    incident_after: int
    opens: float
    answers: float
    clicks: float
    writes: float
    knows: float
    takes_test: bool
    measuring: bool
    news: bool

    def chance(self, *about: object) -> Random:
        """Return the randomness of one thing that this reader does: the same each time, whatever else happens."""
        return Random(f"{SEED}:{self.number}:{about}")  # noqa: S311 - a simulation


def make_readers() -> tuple[DemoReader, ...]:
    """Generate all readers: first those who are imported, then the others in the order of their signups."""
    names = _names()
    return tuple(_make(number, names) for number in range(_IMPORTED + _SIGNUPS))


def _make(number: int, names: dict[str, Iterator[str]]) -> DemoReader:
    chance = Random(f"{SEED}:{number}")  # noqa: S311 - a simulation
    signup = number - _IMPORTED
    language = "nl" if signup < 0 or chance.random() < 0.5 else "en"
    incident = next((one for one, those in _INCIDENTS.items() if signup in those), Incident.NONE)
    name = next(names[language])
    return DemoReader(
        number=number,
        name=name,
        email=f"{_plain(name)}@{chance.choice(_DOMAINS)}",
        language=language,
        schedule=Schedule(HOME_ZONE, 8) if signup < 0 else _schedule(chance, signup, language),
        joins_after=None if signup < 0 else _joins_after(signup),
        incident=incident,
        incident_after=_AFTER_LESSONS.get(incident, 3),
        opens=chance.betavariate(6, 3),
        answers=chance.betavariate(4, 3),
        clicks=chance.betavariate(2, 4),
        writes=chance.betavariate(2, 5),
        knows=chance.betavariate(5, 4),
        takes_test=chance.random() < 0.9,
        measuring=chance.random() < 0.75,
        news=chance.random() < 0.75 and incident != Incident.MAILBOX_GONE,
    )


def _schedule(chance: Random, signup: int, language: str) -> Schedule:
    weekdays = _WORKDAYS if chance.random() < 0.15 else EVERY_DAY
    morning, others = _TIMES[language]
    zone, hour = chance.choice(others if signup >= _FIRST_IN_THE_EVENING and chance.random() < 0.5 else morning)
    return Schedule(zone, hour, weekdays)


def _joins_after(signup: int) -> timedelta:
    """Return when a signup comes: more of them from week to week, in the daytime, the last just before the end.

    Two come together: they share the look of the worker for their mails.
    """
    pair, second = divmod(signup, 2)
    share = pair / ((_SIGNUPS - 1) // 2)
    hour = Random(f"{SEED}:pair:{pair}").uniform(8, 22)  # noqa: S311 - a simulation
    return timedelta(days=1 + int((DAYS - 2) * share**0.6), hours=hour, seconds=second)


def _names() -> dict[str, Iterator[str]]:
    """Return the names by language, none twice."""
    found = {}
    for language, first in _FIRST_NAMES.items():
        last = _LAST_NAMES[language]
        pairs = [f"{one} {two}" for one in first for two in last]
        Random(f"{SEED}:{language}").shuffle(pairs)  # noqa: S311 - a simulation
        found[language] = iter(pairs)
    return found


def _plain(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return ascii_name.lower().replace(" ", ".")
