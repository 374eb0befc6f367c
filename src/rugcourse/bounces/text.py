"""Extracts the text of a bounce: decoded, without the returned mail, and the server's reply in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from rugcourse.bounces.classifier import CODE, STATUS

_MOST_TEXT = 50_000  # characters in which a server's reply is searched
_MOST_LINES_OF_A_REPLY = 12
_LONGEST_REPLY = 2_000
WORDS_READ = 2_000
_WORDS_KEPT = 300
_MESSAGE_ID = re.compile(r"^message-id:\s{0,80}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(r"<[^<>]{1,1000}>")
# Other codecs of Python are slow, or not character sets at all.
_CHARSETS = re.compile(
    r"utf-?8|us-ascii|iso-?8859-\d{1,2}|windows-125\d|cp125\d|iso-2022-(?:jp|kr)|shift[_-]jis|cp932|euc-(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5|koi8-[ru]",
    re.IGNORECASE,
)
_KANJI = b"\x1b$"  # the beginning of ISO-2022-JP, which some systems use without declaring it
# The beginning of the returned mail, whose text is our own.
_ORIGINAL = re.compile(
    r"\n[-=* ]{2,}\s?(?:below this line|this is a copy|original|returned|the header|unsent|message text|message header"
    r"|message body|forwarded|included is|body of|rejected message|start of|here is|undelivered)"
    r"|\n(?:message headers? follow|original message|below is a copy|the original message (?:follows|headers)"
    r"|your original message|this is a copy of|the message headers?|returned message|the following is a copy"
    r"|received: |return-path: |(?:from|to): .{1,200}\n(?:to|from|subject|date): )",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"\b(?:subject|betreff|onderwerp|objet|asunto|assunto|oggetto|件名|主题)\s?:.*", re.IGNORECASE)
_AFTER_A_REPLY = ("giving up on", "i'm not going to try")  # what qmail adds
_SPOKEN = "<<< "  # marks the remote server's replies in a transcript of Sendmail


def text_of(message: Message) -> str:
    """Return the text parts of the message itself, or its HTML parts as text if there are no others."""
    parts = list(_own_parts(message))
    found = [_broken(part) or payload(part) for part in parts if part.get_content_type() != "text/html"]
    if not any(one.strip() for one in found):
        found = [_TAG.sub(" ", payload(part)) for part in parts if part.get_content_type() == "text/html"]
    return "\n".join(found)[:_MOST_TEXT]


def _own_parts(message: Message) -> Iterator[Message]:
    """Yield the text parts of a message, without those of attached messages."""
    if not message.is_multipart():
        if message.get_content_type() in {"text/plain", "text/html"} or message.get_content_maintype() == "multipart":
            yield message
    elif message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _own_parts(part)


def _broken(part: Message) -> str:
    """Return the content of a multipart without a usable boundary; empty for other parts."""
    return str(part.get_payload()).replace("\r\n", "\n") if part.get_content_maintype() == "multipart" else ""


def payload(part: Message) -> str:
    raw = part.get_payload(decode=True)
    return _decoded(raw, part.get_param("charset")).replace("\r\n", "\n") if isinstance(raw, bytes) else ""


def _decoded(raw: bytes, charset: object) -> str:
    name = "iso-2022-jp" if _KANJI in raw else charset
    known = name if isinstance(name, str) and _CHARSETS.fullmatch(name) else "utf-8"
    with suppress(LookupError):
        return raw.decode(known, "replace")
    return raw.decode("utf-8", "replace")


def before_the_original(text: str) -> str:
    """Remove the returned mail and its subject from a text."""
    return _SUBJECT.sub("", _ORIGINAL.split(f"\n{text}", maxsplit=1)[0])


def reply_in(text: str) -> str:
    """Return the reply of a server in a text, or an empty string."""
    lines = text.split("\n")
    spoken = [line.partition(_SPOKEN)[2] for line in lines if _SPOKEN in line]
    if spoken:
        return "\n".join(spoken[:_MOST_LINES_OF_A_REPLY])[:_LONGEST_REPLY]
    first = next((n for n, line in enumerate(lines) if CODE.search(line)), None)
    if first is None:
        return ""
    found = []
    for line in lines[first : first + _MOST_LINES_OF_A_REPLY]:
        if not line.strip() or line.lower().startswith(_AFTER_A_REPLY):
            break
        found.append(line)
    found[0] = found[0][CODE.search(found[0]).start() :]  # type: ignore[union-attr]
    return "\n".join(found)[:_LONGEST_REPLY]


def quoted_ids(message: Message) -> Iterator[str]:
    """Yield the Message-IDs of quoted mails, attached or in the text."""
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
            yield from _MESSAGE_ID.findall(payload(part))


def telling_line(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return next((line for line in lines if STATUS.search(line) or CODE.search(line)), lines[-1] if lines else "")


def header(message: Message, name: str) -> str:
    """Return a header decoded and on one line (RFC 2047, and RFC 6532, which some use without negotiation)."""
    found = next((value for known, value in message.raw_items() if known.lower() == name.lower()), "")
    value = _decoded(str(found).encode("utf-8", "surrogateescape"), None)
    if "=?" in value:
        with suppress(HeaderParseError, ValueError):
            value = "".join(_part(raw, charset) for raw, charset in decode_header(value))
    return " ".join(value.split())


def _part(raw: bytes | str, charset: str | None) -> str:
    return raw if isinstance(raw, str) else _decoded(raw, charset)


def field(block: Message, name: str) -> str:
    """Return a field of a report on one line."""
    value = str(block.get(name, ""))
    if _KANJI.decode() in value:
        value = _decoded(value.encode("utf-8", "surrogateescape"), None)
    return " ".join(value.split())


def first_field(blocks: Sequence[Message], name: str) -> str:
    return next(filter(None, (field(block, name) for block in blocks)), "")


def address_in(value: str) -> str:
    """Return the address in a field of a report, such as `rfc822; <reader@example.org>` (RFC 3464, 2.1.2)."""
    return value.rpartition(";")[2].strip().strip("<>")


def instant(value: str) -> datetime | None:
    """Parse a date of RFC 5322 as UTC; None if it is not valid."""
    try:
        found = parsedate_to_datetime(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def shortened(words: str) -> str:
    """Shorten a reply to one line without addresses: erased people must not live on in the ledger."""
    known = "".join(one if one.isprintable() else " " for one in words[:WORDS_READ]).split()
    return " ".join("(address)" if "@" in word else word for word in known)[:_WORDS_KEPT]
