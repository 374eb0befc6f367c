"""What a message that came back says. Pure: nothing is looked up, nothing is believed that matters for whose it is.

Delivery reports are read as RFC 3464 has them (statuses: RFC 3463), complaints as RFC 5965. What follows no standard
goes by the words that the big systems use, and to the recognisers of `flufl.bounce`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from enum import StrEnum

from flufl.bounce import all_failures

from rugcourse.bounces.words import (
    AWAY,
    FROM_A_SERVER,
    FULL,
    ORIGINAL,
    POLICY,
    STILL_TRYING,
    UNDELIVERED,
    UNKNOWN_USER,
)

LARGEST = 1_000_000  # bytes that are taken in
# What is looked at of it. Expressions and parsers, the standard library's too, are quadratic here and there, so each of
# these is small enough for that: a message of anybody's must not hold up those of everybody else.
_LOOKED_AT = 200_000  # bytes
_MOST_LINES = 3_000
_LONGEST_LINE = 2_000  # bytes; RFC 5322 allows 998
_LONGEST_HEADER = 100  # lines
_MOST_PARTS = 40  # that have parts themselves: each line is held against the boundaries of all around it
_MOST_TEXT = 50_000  # characters in which the words of a server are looked for
_WORDS_READ = 2_000
_WORDS_KEPT = 300


class Kind(StrEnum):
    """What came back."""

    HARD = "hard"  # there is no such mailbox: nothing will ever arrive
    SOFT = "soft"  # it did not arrive, and may another time: full, too large, a server in trouble
    POLICY = "policy"  # the server does not want mail from us, or this one: about the sender, not the reader
    DELAYED = "delayed"  # it is still being tried
    COMPLAINT = "complaint"  # the reader called it spam
    AUTO_REPLY = "auto-reply"  # on holiday, received, …: by a machine, about nothing that matters here
    OTHER = "other"  # somebody wrote, or nobody knows


@dataclass(frozen=True, slots=True)
class Report:
    """`status`: such as 5.1.1, where it says one; `words`: what the server said; `message_ids`: of the mails that it
    quotes, which find the delivery where the address it came to does not.
    """

    kind: Kind
    status: str = ""
    words: str = ""
    message_ids: tuple[str, ...] = ()


_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_CODE = re.compile(r"\b([45]\d\d)[ -]")
_MESSAGE_ID = re.compile(r"^message-id:\s{0,80}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(r"<[^<>]{1,1000}>")
_HARD_STATUSES = re.compile(r"^5\.1\.([0-46-9]|10)$|^5\.2\.1$|^5\.4\.1$|^5\.1\.0$|^5\.4\.4$|^5\.4\.310$")
_SOFT_STATUSES = re.compile(r"^[45]\.2\.[2-4]$|^[45]\.3\.\d+$|^[45]\.4\.[0235-9]$|^4\.")
_VAGUE = re.compile(r"^[45]\.0\.\d+$|^5\.5\.\d+$|^5\.1\.0$|^5\.4\.1$|^5\.2\.0$|^5\.6\.\d+$")


def read(raw: bytes) -> Report:
    """What a message is. Never raises: what can't be read is `OTHER`."""
    try:
        known = tamed(raw)
        if known.lower().count(b"multipart") > _MOST_PARTS or known.lower().count(b"message/rfc822") > _MOST_PARTS:
            return Report(Kind.OTHER)
        return _read(message_from_bytes(known, policy=policy.compat32))  # decodes no header before it is asked for
    except Exception:  # noqa: BLE001 - it comes from anybody, and the parser has surprises of its own
        return Report(Kind.OTHER)


def tamed(raw: bytes) -> bytes:
    """The beginning of a message, without what is longer than mail may be: lines, and headers of many lines."""
    lines, continued = [], 0
    for line in raw[:_LOOKED_AT].split(b"\n", _MOST_LINES)[:_MOST_LINES]:
        continued = continued + 1 if line[:1] in {b" ", b"\t"} else 0
        if continued < _LONGEST_HEADER:
            lines.append(line[:_LONGEST_LINE])
    return b"\n".join(lines)


def read_reply(reply: str) -> Report:
    """What a server's reply says, with which it refused a mail (RFC 5321, 4.2)."""
    reply = reply[:_WORDS_READ]
    status = next(iter(_STATUS.findall(reply)), "")
    return Report(judge(status, reply), status, reply)


def _read(message: Message) -> Report:
    quoted = tuple(dict.fromkeys(_quoted_ids(message)))
    if any(part.get_content_type() == "message/feedback-report" for part in message.walk()):
        return _complaint(message, quoted)
    reports = [part for part in message.walk() if part.get_content_type() == "message/delivery-status"]
    if reports:
        return _delivery_report(reports, _text(message), quoted)
    if FROM_A_SERVER.search(_header(message, "From")):  # some of them say auto-replied, too
        return _by_words(message, quoted)
    if _is_auto_reply(message):
        return Report(Kind.AUTO_REPLY)
    if _is_about_delivery(message):
        return _by_words(message, quoted)
    return Report(Kind.OTHER, message_ids=quoted)


def _complaint(message: Message, quoted: tuple[str, ...]) -> Report:
    """RFC 5965, 3.1: only `not-spam` is good news."""
    fields = [str(one.get("Feedback-Type", "")).strip().lower() for part in message.walk() for one in _blocks(part)]
    kind = next(filter(None, fields), "")
    return Report(Kind.OTHER if kind == "not-spam" else Kind.COMPLAINT, words=kind[:40], message_ids=quoted)


def _blocks(part: Message) -> list[Message]:
    """The groups of fields that a report consists of (RFC 3464, 2.1)."""
    if part.get_content_type() not in {"message/delivery-status", "message/feedback-report"}:
        return []
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload if isinstance(one, Message)]
    return [message_from_bytes(block.encode(), policy=policy.compat32) for block in str(payload).split("\n\n")]


def _delivery_report(reports: Sequence[Message], text: str, quoted: tuple[str, ...]) -> Report:
    recipients = [block for part in reports for block in _blocks(part) if block.get("Action") or block.get("Status")]
    failed = next((one for one in recipients if _field(one, "Action").lower().startswith("fail")), None)
    about = failed or next(iter(recipients), None)
    if about is None:
        return Report(judge("", text), "", shortened(text), quoted)
    status = next(iter(_STATUS.findall(_field(about, "Status"))), "")
    words = _field(about, "Diagnostic-Code").partition(";")[2].strip() or _field(about, "Diagnostic-Code")
    action = _field(about, "Action").lower()
    if action.startswith(("delay", "relay", "deliver", "expand")):
        return Report(Kind.DELAYED, status, shortened(words), quoted)
    inner = next(iter(_STATUS.findall(words)), "")
    if inner and (not status or _VAGUE.match(status)):
        status = inner  # what the far server said is more than what the near one made of it
    return Report(judge(status, words or text), status, shortened(words or text), quoted)


def _by_words(message: Message, quoted: tuple[str, ...]) -> Report:
    """A report that follows no standard."""
    text = _text(message)
    said = f"{_header(message, 'Subject')}\n{_before_the_original(text)}"
    if STILL_TRYING.search(said):
        return Report(Kind.DELAYED, message_ids=quoted)
    status = next(iter(_STATUS.findall(said)), "")
    kind = judge(status, said)
    temporary, permanent = all_failures(message)
    if kind == Kind.SOFT and permanent and not status and not FULL.search(said) and not _CODE.search(said):
        kind = Kind.HARD
    if kind == Kind.SOFT and temporary and not permanent and not status and not _CODE.search(said):
        kind = Kind.DELAYED
    return Report(kind, status, shortened(_telling_line(said)), quoted)


def judge(status: str, words: str, otherwise: Kind = Kind.SOFT) -> Kind:
    """Hard, soft or policy; `otherwise` where neither status nor words say."""
    if status and not _VAGUE.match(status):
        if status.startswith("5.7."):
            return Kind.HARD if UNKNOWN_USER.search(words) and not POLICY.search(words) else Kind.POLICY
        if _HARD_STATUSES.match(status):
            return Kind.HARD
        if _SOFT_STATUSES.match(status):
            return Kind.POLICY if status.startswith("4.7.") else Kind.SOFT
    for words_of, kind in ((UNKNOWN_USER, Kind.HARD), (FULL, Kind.SOFT), (POLICY, Kind.POLICY)):
        if words_of.search(words):
            return kind
    return Kind.HARD if _HARD_STATUSES.match(status) else otherwise


def _is_auto_reply(message: Message) -> bool:
    """RFC 3834, and what systems did before it."""
    said = (_header(message, "Auto-Submitted") or "no").split(";")[0].strip().lower()
    if said.startswith("auto-replied"):
        return True
    if any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-From", "X-AutoReply-From")):
        return True
    if AWAY.search(_header(message, "Subject")):
        return True
    precedence = _header(message, "Precedence").lower()
    return precedence == "auto_reply" or (said == "auto-generated" and not _is_about_delivery(message))


def _is_about_delivery(message: Message) -> bool:
    if UNDELIVERED.search(_header(message, "Subject")):
        return True
    empty = _header(message, "Return-Path").strip() == "<>"
    return empty and UNDELIVERED.search(_text(message)[:2000]) is not None


def _quoted_ids(message: Message) -> Iterator[str]:
    """The Message-IDs of mails that are quoted, as parts or in the text."""
    for part in message.walk():
        kind = part.get_content_type()
        if part is not message and kind.startswith("text/") and part.get("Message-ID"):
            yield str(part["Message-ID"]).strip()
        if kind == "message/rfc822":
            inner = part.get_payload()
            for one in inner if isinstance(inner, list) else []:
                if isinstance(one, Message) and one.get("Message-ID"):
                    yield str(one["Message-ID"]).strip()
        if kind in {"text/rfc822-headers", "text/plain"} or kind == "message/rfc822-headers":
            yield from _MESSAGE_ID.findall(_payload(part))


def _text(message: Message) -> str:
    parts = [_payload(part) for part in message.walk() if part.get_content_type() == "text/plain"]
    if not parts:
        parts = [_TAG.sub(" ", _payload(part)) for part in message.walk() if part.get_content_type() == "text/html"]
    return "\n".join(parts)[:_MOST_TEXT]


def _payload(part: Message) -> str:
    raw = part.get_payload(decode=True)
    return raw.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(raw, bytes) else ""


def _before_the_original(text: str) -> str:
    """Without the returned mail, whose words are ours."""
    return ORIGINAL.split(text, maxsplit=1)[0]


def _telling_line(said: str) -> str:
    lines = [line.strip() for line in said.split("\n") if line.strip()]
    return next((line for line in lines if _STATUS.search(line) or _CODE.search(line)), lines[-1] if lines else "")


def _header(message: Message, name: str) -> str:
    """A header as people read it, on one line (RFC 2047)."""
    value = str(message.get(name, ""))
    if "=?" in value:
        with suppress(HeaderParseError, LookupError, UnicodeDecodeError):
            value = str(make_header(decode_header(value)))
    return " ".join(value.split())


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())


def shortened(words: str) -> str:
    """On one line, without what could be an address: who is erased must not live on in the ledger."""
    known = "".join(one if one.isprintable() else " " for one in words[:_WORDS_READ]).split()
    return " ".join("(address)" if "@" in word else word for word in known)[:_WORDS_KEPT]
