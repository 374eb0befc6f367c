"""Receives bounces: an SMTP or LMTP server for nothing else, behind the real mail server."""

from __future__ import annotations

import asyncio

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope

from rugcourse.bounces.handler import BounceHandler, BounceOutcome
from rugcourse.bounces.parser import LARGEST
from rugcourse.db.engine import DatabaseAway

log = structlog.get_logger()

_MOST_RECIPIENTS = 10


class LmtpHandler:
    """Handles each message of the LMTP server. It never sends mail, so no mail loop can begin here."""

    def __init__(self, bounce_handler: BounceHandler, address: str) -> None:
        """Create a handler for `address`, the address for bounces without a token."""
        self._bounce_handler = bounce_handler
        self._local, _, self._domain = address.lower().rpartition("@")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept mail to the address for bounces only, with or without a token."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        local, _, domain = address.lower().rpartition("@")
        if domain != self._domain or local.partition("+")[0] != self._local:
            return "550 5.1.1 no such mailbox"
        if "+" in local and not self._bounce_handler.links.is_own(address):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        for recipient in envelope.rcpt_tos:
            try:
                content = envelope.content if isinstance(envelope.content, bytes) else b""
                taken = await asyncio.to_thread(
                    self._bounce_handler.handle_message, recipient, content, envelope.mail_from
                )
            except DatabaseAway:
                return "451 4.3.0 try again later"  # the mail server in front of us keeps it
            except Exception as error:  # noqa: BLE001 - untrusted input; the reply must not reveal internals
                log.warning("bounce_not_handled", error=type(error).__name__)
                return "451 4.3.0 try again later"
            if taken.outcome == BounceOutcome.UNMATCHED:
                log.info("bounce_unmatched", kind=taken.report.kind)
        return "250 2.0.0 taken"


class _LmtpController(Controller):
    def factory(self) -> SMTP:
        return LMTP(self.handler, **self.SMTP_kwargs)


def start_lmtp_server(handler: LmtpHandler, host: str, port: int, *, lmtp: bool) -> Controller:
    """Create the server. The caller starts it."""
    make = _LmtpController if lmtp else Controller
    return make(
        handler, hostname=host, port=port, data_size_limit=LARGEST, server_hostname="bounces.local", ready_timeout=10
    )
