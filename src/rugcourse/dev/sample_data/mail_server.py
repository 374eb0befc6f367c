"""The mail server of the sample data: takes messages in this process, and remembers them until they are fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from rugcourse.delivery.smtp import Accepted, Envelope, Outcome, Rejected
from rugcourse.links import BadToken, Links, MailRef

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.MULTILINE | re.IGNORECASE)


class DemoMailServer:
    """A mail server that refuses mail to `unknown` addresses, and takes all other."""

    def __init__(self, links: Links, unknown: frozenset[str]) -> None:
        self._links, self._unknown = links, unknown
        self._arrived: list[tuple[str, MailRef]] = []

    def connect(self) -> DemoConnection:
        return DemoConnection(self)

    def take(self, recipient: str, message: bytes) -> Outcome:
        if recipient in self._unknown:
            return Rejected("550 5.1.1 no such user here")
        found = _MESSAGE_ID.search(message)
        with suppress(BadToken):
            self._arrived.append((recipient, self._links.quoted(found[1].decode() if found else "")))
        return Accepted("250 2.0.0 taken")

    def fetch(self) -> list[tuple[str, MailRef]]:
        """Return the mails that arrived since the last call, with their recipients."""
        arrived, self._arrived = self._arrived, []
        return arrived


class DemoConnection:
    """A connection to it, with the interface of `rugcourse.delivery.smtp.Connection`."""

    eight_bit = True
    alive = True

    def __init__(self, server: DemoMailServer) -> None:
        self._server = server

    def send(
        self, envelope: Envelope, message: bytes, begin: Callable[[], None], upcoming: Envelope | None = None
    ) -> Outcome:
        del upcoming
        begin()
        return self._server.take(envelope.recipient, message)

    def quit(self) -> None:
        self.alive = False
