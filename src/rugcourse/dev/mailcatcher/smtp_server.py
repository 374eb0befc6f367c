"""An SMTP server that stores all mails it receives."""

from __future__ import annotations

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from rugcourse.dev.mailcatcher.mailbox import CaughtMails


class _Keeper:
    def __init__(self, mailbox: CaughtMails) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self._mailbox.keep(envelope.original_content or b"")
        return "250 kept"


def open_sink(mailbox: CaughtMails, host: str, port: int) -> Controller:
    """Create a server for `mailbox` on its own thread; call its `start()` and `stop()`."""
    return Controller(_Keeper(mailbox), hostname=host, port=port, server_hostname="inbox.rugcourse.example")
