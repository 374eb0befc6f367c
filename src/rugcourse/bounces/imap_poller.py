"""Polls a mailbox for bounces by IMAP (RFC 3501).

A message is marked as read after it was handled, and deleted some days later because it contains personal data. After
an interruption in between it is handled again, which is idempotent. A message that can't be handled is flagged and
skipped, so that later ones are read; removing the flag makes it be tried again.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import Any

import structlog

from rugcourse.bounces.handler import BounceHandler
from rugcourse.bounces.parser import LARGEST, normalise_newlines
from rugcourse.db.engine import DatabaseAway
from rugcourse.errors import UnavailableError
from rugcourse.links import Links
from rugcourse.setting_values import Mailbox

_SECONDS = 30.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST = 500  # messages in one batch
_LONGEST = 2_000  # characters of a header with addresses
_MOST_OF_A_NAME = 10  # headers of one name
log = structlog.get_logger()
# Headers with the address that a message came to, the most reliable first.
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To", "Cc")


class MailboxAway(UnavailableError):
    """The mailbox can't be read. The message quotes the server's response."""


def poll(bounce_handler: BounceHandler, mailbox: Mailbox) -> int:
    """Handle the new messages in a mailbox and return their number. Raises MailboxAway and DatabaseAway."""
    with _opened(mailbox) as server:
        numbers = _ok(server.uid("SEARCH", "UNSEEN", "UNFLAGGED"))[0].split()[:_MOST]
        for number in numbers:
            raw = _message(server, number.decode())
            taken = raw is None or _handle(bounce_handler, raw)
            _ok(server.uid("STORE", number.decode(), "+FLAGS.SILENT", r"(\Seen)" if taken else r"(\Flagged)"))
        return len(numbers)


def delete_old(bounce_handler: BounceHandler, mailbox: Mailbox, days: int) -> int:
    """Delete handled and flagged messages older than `days` and return their number. Raises MailboxAway."""
    before = _imap_date(bounce_handler.clock.now() - timedelta(days=days))
    with _opened(mailbox) as server:
        knows = _ok(server.capability())[0].split()  # asked again: many servers announce more after the login
        numbers = _ok(server.uid("SEARCH", "OR", "SEEN", "FLAGGED", "BEFORE", before))[0].split()
        for some in (numbers[at : at + _MOST] for at in range(0, len(numbers), _MOST)):
            among = b",".join(some).decode()
            _ok(server.uid("STORE", among, "+FLAGS.SILENT", r"(\Deleted)"))
            if b"UIDPLUS" in knows:  # RFC 4315: deletes these only, not what other clients have marked
                _ok(server.uid("EXPUNGE", among))
            else:
                _ok(server.expunge())
        return len(numbers)


def _imap_date(instant: datetime) -> str:
    """Format a date as RFC 3501 does (`01-Nov-2026`), regardless of the locale."""
    return f"{instant.day:02}-{_MONTHS[instant.month - 1]}-{instant.year}"


def _handle(bounce_handler: BounceHandler, raw: bytes) -> bool:
    """Handle a message and return whether that worked. Raises DatabaseAway, as then no message can be handled."""
    try:
        bounce_handler.handle_message(_recipient(bounce_handler.links, raw), raw)
    except DatabaseAway:
        raise
    except Exception as error:  # noqa: BLE001 - untrusted input, on which the library may raise anything
        log.warning("bounce_unreadable", error=type(error).__name__)
        return False
    return True


@contextmanager
def _opened(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    where = f"{mailbox.host}:{mailbox.port}"
    server: imaplib.IMAP4 | None = None
    try:
        if mailbox.encrypted:
            context = ssl.create_default_context()
            server = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=_SECONDS)
        else:
            server = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=_SECONDS)
        server.login(mailbox.user, mailbox.password)
        _ok(server.select(f'"{mailbox.folder}"'))
        yield server
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxAway(f"{where}: {_words(error)}") from error
    finally:
        if server is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                server.logout()


def _message(server: imaplib.IMAP4, number: str) -> bytes | None:
    """Fetch a message without marking it as read; None if it is gone."""
    answer = _ok(server.uid("FETCH", number, f"(BODY.PEEK[]<0.{LARGEST}>)"))
    return next((one[1] for one in answer if isinstance(one, tuple)), None)


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    """Return the data of a server's response. Raises imaplib.IMAP4.error unless it is OK."""
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(data[0] if data else kind)
    return data


def _recipient(links: Links, raw: bytes) -> str:
    """Return the address of ours that a message came to, or an empty string."""
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(normalise_newlines(raw.partition(b"\r\n\r\n")[0]))
    named = (headers.get_all(name, [])[:_MOST_OF_A_NAME] for name in _RECIPIENT_HEADERS)
    written = [str(value)[:_LONGEST] for values in named for value in values]
    for _name, address in (one for value in written for one in _addresses(value)):
        if links.is_own(address):
            return address
    return ""


def _addresses(value: str) -> list[tuple[str, str]]:
    """Return the addresses in a header; none if it is nested too deeply for the library."""
    with suppress(RecursionError):
        return getaddresses([value])
    return []


def _words(error: Exception) -> str:
    words = error.args[0] if error.args else type(error).__name__
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(error)
