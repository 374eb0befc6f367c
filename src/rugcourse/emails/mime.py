"""Assembles messages from prepared bytes.

The standard library's EmailMessage takes milliseconds per message, nearly all of it for headers and structure that are
the same for every reader of a lesson. Here that library makes them once, and a message is a join of bytes.
"""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

_ALL_COURSES = "courses"  # one click unsubscribes from all courses, so together they are one list


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of the mails.

    `list_domain`: the domain of List-Id and Message-ID. `echo_header`: another header with the Message-ID, for relays
    that replace the Message-ID but keep this one. `feedback_id`: the sender in Gmail's Feedback-ID. `one_click`:
    unsubscribe links use HTTPS, as RFC 8058 requires. `names_course`: headers may reveal the course of a mail.
    """

    name: str
    address: str
    reply_to: str
    list_domain: str
    echo_header: str = ""
    feedback_id: str = ""
    one_click: bool = True
    names_course: bool = False


@dataclass(frozen=True, slots=True)
class MessageStream:
    """The kind of a mail. `is_list`: it belongs to a mailing list, from which readers can unsubscribe.

    `is_transactional`: it responds to something that the recipient has done.
    """

    course: str
    kind: str
    is_list: bool
    is_transactional: bool = False


@dataclass(frozen=True, slots=True)
class MimeSkeleton:
    """The bytes that the messages to all readers share."""

    headers: bytes
    boundary: bytes
    stream: MessageStream
    echo_header: str
    feedback: str

    @classmethod
    def make(cls, sender: Sender, subject: str, language: str, stream: MessageStream) -> MimeSkeleton:
        message = EmailMessage(policy=SMTP)
        course = stream.course if sender.names_course else _ALL_COURSES
        local, _, domain = sender.address.rpartition("@")
        message["From"] = Address(sender.name, local, domain)
        if sender.reply_to:
            message["Reply-To"] = sender.reply_to
        message["Subject"] = subject
        message["Content-Language"] = language
        if stream.is_list:
            message["List-Id"] = f"<{course}.{sender.list_domain}>"
            if sender.one_click:
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        if stream.is_transactional:
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic replies
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # the same for Exchange
        message["MIME-Version"] = "1.0"
        headers = message.as_bytes().split(b"\r\n\r\n", 1)[0]
        boundary = b"=_rug_" + hashlib.sha256(headers).hexdigest()[:24].encode()
        content_type = b'\r\nContent-Type: multipart/alternative; boundary="' + boundary + b'"\r\n'
        feedback = f"{course}:{stream.kind}:{sender.feedback_id}"
        return cls(headers + content_type, boundary, stream, sender.echo_header, feedback)


@dataclass(frozen=True, slots=True)
class RecipientHeaders:
    """The headers that differ in each message.

    `help_url`: the reader's own page. `unsubscribe_address`: mail to it unsubscribes the reader; empty if this
    installation receives no mail.
    """

    to: str
    message_id: str
    date: datetime
    campaign_id: int
    unsubscribe_url: str
    help_url: str
    unsubscribe_address: str = ""


def assemble(
    skeleton: MimeSkeleton, addressing: RecipientHeaders, html: str, text: str, *, eight_bit: bool = True
) -> bytes:
    """Assemble the message for the mail server, not dot-stuffed yet. Lines of `html` and `text` end in CR LF.

    `eight_bit`: the server offers 8BITMIME (RFC 6152), so nothing is encoded; otherwise quoted-printable is used.
    """
    stream = skeleton.stream
    headers = [
        f"To: {addressing.to}",
        f"Date: {_date(addressing.date.replace(microsecond=0))}",
        f"Message-ID: {addressing.message_id}",
        # For complaint statistics in Gmail's Postmaster Tools. Names a campaign and a kind of mail, but no person.
        f"Feedback-ID: {addressing.campaign_id}:{skeleton.feedback}",
    ]
    if skeleton.echo_header:
        headers.append(f"{skeleton.echo_header}: {addressing.message_id}")
    if stream.is_list:
        headers.append(f"List-Unsubscribe: <{addressing.unsubscribe_url}>")
        if addressing.unsubscribe_address:  # for mail clients that support nothing else; the URL goes first
            headers[-1] += f",\r\n <mailto:{quote(addressing.unsubscribe_address, safe='@+')}?subject=unsubscribe>"
        headers.append(f"List-Help: <{addressing.help_url}>")  # RFC 2369
    fence = b"--" + skeleton.boundary
    return b"".join(
        (
            skeleton.headers,
            "\r\n".join(headers).encode("ascii"),
            b"\r\n\r\n",
            fence,
            _part(b"text/plain", text, eight_bit),
            fence,
            _part(b"text/html", html, eight_bit),
            fence,
            b"--\r\n",
        )
    )


def _part(content_type: bytes, content: str, eight_bit: bool) -> bytes:
    raw = content.encode()
    encoding, body = (b"8bit", raw) if eight_bit else (b"quoted-printable", binascii.b2a_qp(raw))
    return b"".join(
        (
            b"\r\nContent-Type: ",
            content_type,
            b"; charset=utf-8\r\nContent-Transfer-Encoding: ",
            encoding,
            b"\r\n\r\n",
            body,
            b"\r\n",
        )
    )


@lru_cache(maxsize=64)
def _date(instant: datetime) -> str:
    return format_datetime(instant)  # RFC 5322
