"""Puts a message together from prepared bytes.

The standard library's EmailMessage takes milliseconds per message, nearly all of it on headers and structure that are
the same for every reader of a lesson. Here those are made once, by that same library, and a message is a join.
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

_ALL_COURSES = "courses"  # one press leaves all of them, so that is the list


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails come from. `list_domain` is the domain of List-Id and Message-ID; `echo_header`: a header
    that gets the Message-ID as well, for a relay that writes its own in that place and keeps this one; `feedback_id`:
    what Gmail knows all our mail by; `one_click`: links that unsubscribe are encrypted, as RFC 8058 wants them;
    `names_course`: headers may tell which course a mail is of.
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
    """What a mail is one of. `is_list`: it belongs to a list, and can be unsubscribed; `is_transactional`: it
    answers what somebody did just now.
    """

    course: str
    kind: str
    is_list: bool
    is_transactional: bool = False


@dataclass(frozen=True, slots=True)
class MimeSkeleton:
    """The bytes of a letter that every reader's message shares."""

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
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine need answer it
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # the same in the words of Exchange
        message["MIME-Version"] = "1.0"
        headers = message.as_bytes().split(b"\r\n\r\n", 1)[0]
        boundary = b"=_rug_" + hashlib.sha256(headers).hexdigest()[:24].encode()
        content_type = b'\r\nContent-Type: multipart/alternative; boundary="' + boundary + b'"\r\n'
        feedback = f"{course}:{stream.kind}:{sender.feedback_id}"
        return cls(headers + content_type, boundary, stream, sender.echo_header, feedback)


@dataclass(frozen=True, slots=True)
class RecipientHeaders:
    """What is different in the headers of each message. `help_url`: the reader's own page; `unsubscribe_address`: where
    a message unsubscribes them, if mail is taken in.
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
    """The message as it goes to the mail server, not yet dot-stuffed. Lines of `html` and `text` end in CR LF.

    `eight_bit`: the server offers 8BITMIME (RFC 6152), so nothing needs encoding; otherwise quoted-printable.
    """
    stream = skeleton.stream
    headers = [
        f"To: {addressing.to}",
        f"Date: {_date(addressing.date.replace(microsecond=0))}",
        f"Message-ID: {addressing.message_id}",
        # How Gmail's Postmaster Tools tell complaints apart: it names a campaign and a kind of mail, and no person.
        f"Feedback-ID: {addressing.campaign_id}:{skeleton.feedback}",
    ]
    if skeleton.echo_header:
        headers.append(f"{skeleton.echo_header}: {addressing.message_id}")
    if stream.is_list:
        headers.append(f"List-Unsubscribe: <{addressing.unsubscribe_url}>")
        if addressing.unsubscribe_address:  # for mail programs that know no other way; the first is the better one
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
