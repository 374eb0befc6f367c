"""The door for bounces that lie in a mailbox: reads what is new there by IMAP (RFC 3501).

A message is marked as read after it was taken in, and stays where it is. Who is cut off in between takes it in once
more, which is the same as once.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import Any

from rugcourse.bounces.read import LARGEST
from rugcourse.bounces.take import Intake
from rugcourse.links import BadToken, Links
from rugcourse.settings import Mailbox

_SECONDS = 30.0
_MOST = 500  # in one go
# Where the address that a message came to is written down, the surest first.
_RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To", "Cc")


class MailboxAway(Exception):
    """The mailbox can't be read. Says what its server answered."""


def fetch(intake: Intake, mailbox: Mailbox) -> int:
    """Take in what is new in a mailbox; returns how many messages that were. Raises MailboxAway, DatabaseAway."""
    with _opened(mailbox) as server:
        numbers = _ok(server.uid("SEARCH", "UNSEEN"))[0].split()[:_MOST]
        for number in numbers:
            raw = _message(server, number.decode())
            if raw is not None:
                intake.take(_recipient(intake.links, raw), raw)
            _ok(server.uid("STORE", number.decode(), "+FLAGS.SILENT", r"(\Seen)"))
        return len(numbers)


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
    """Without marking it as read; None when it is gone."""
    answer = _ok(server.uid("FETCH", number, f"(BODY.PEEK[]<0.{LARGEST}>)"))
    return next((one[1] for one in answer if isinstance(one, tuple)), None)


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    """What a server said, if it was no refusal."""
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(data[0] if data else kind)
    return data


def _recipient(links: Links, raw: bytes) -> str:
    """The address of ours that a message came to, or nothing."""
    headers = message_from_bytes(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=policy.compat32)
    written = [str(value) for name in _RECIPIENT_HEADERS for value in headers.get_all(name, [])]
    for _name, address in (one for value in written for one in getaddresses([value])):
        with suppress(BadToken):
            links.returned(address)
            return address
    return ""


def _words(error: Exception) -> str:
    words = error.args[0] if error.args else type(error).__name__
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(error)
