"""The mail server of a simulation: accepts messages in this process, and counts when they arrived."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from rugcourse.clock import Clock
from rugcourse.delivery.smtp import Accepted, Envelope, Outcome, Rejected
from rugcourse.dev.simulation.people import SimulatedReader

_LINK = re.compile(rb"https?://[^/\s]+/([a-z])/([A-Za-z0-9_-]+)")
_TEXT_ENDS = b"Content-Type: text/html"


@dataclass(frozen=True, slots=True)
class LinksInMail:
    """The links that a person finds in a mail: tokens by the first letter of the path."""

    person: SimulatedReader
    links: dict[str, list[str]]


@dataclass(slots=True)
class SimulatedMailServer:
    """A simulated mail server. `arrived` is called for each accepted mail."""

    clock: Clock
    people: dict[str, SimulatedReader]
    arrived: Callable[[LinksInMail], None]
    taken: int = 0
    lessons: int = 0
    local_hours: Counter[int] = field(default_factory=Counter)
    minutes_late: Counter[int] = field(default_factory=Counter)

    def connect(self) -> SimulatedConnection:
        return SimulatedConnection(self)

    def take(self, recipient: str, message: bytes) -> Outcome:
        person = self.people[recipient]
        if person.bounces:
            return Rejected("550 5.1.1 no such user")
        self.taken += 1
        links = _links(message)
        if "a" in links or "w" in links:
            self._count_lesson(person, self.clock.now())
        self.arrived(LinksInMail(person, links))
        return Accepted("250 2.0.0 taken")

    def _count_lesson(self, person: SimulatedReader, now: datetime) -> None:
        local = now.astimezone(ZoneInfo(person.zone))
        self.lessons += 1
        self.local_hours[local.hour] += 1
        self.minutes_late[(local.hour - person.hour) % 24 * 60 + local.minute] += 1


class SimulatedConnection:
    """A connection to the simulated mail server, with the interface of `rugcourse.delivery.smtp.Connection`."""

    eight_bit = True
    alive = True

    def __init__(self, post: SimulatedMailServer) -> None:
        self._post = post

    def send(
        self, envelope: Envelope, message: bytes, begin: Callable[[], None], upcoming: Envelope | None = None
    ) -> Outcome:
        del upcoming
        begin()
        return self._post.take(envelope.recipient, message)

    def quit(self) -> None:
        self.alive = False


def _links(message: bytes) -> dict[str, list[str]]:
    """Return the links of the text part, which are the same as in the HTML."""
    found: dict[str, list[str]] = {}
    for match in _LINK.finditer(message, 0, message.find(_TEXT_ENDS)):
        found.setdefault(match[1].decode(), []).append(match[2].decode())
    return found
