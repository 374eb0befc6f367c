"""Parses bounces and complaints. Pure: nothing is looked up, and ownership is never derived from message content.

Delivery reports are parsed according to RFC 3464 (statuses: RFC 3463), complaints according to RFC 5965. Reports
that follow no standard are recognised by the words of the big mail systems and, last, by `flufl.bounce`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes, message_from_string, policy
from email.message import Message
from email.parser import BytesHeaderParser

from flufl.bounce import all_failures

from rugcourse.bounces.classifier import STATUS, by_status, by_words, classify, parse_reply
from rugcourse.bounces.phrases import AWAY, COMPLAINED, FROM_A_SERVER, NOT_A_MEMBER, STILL_TRYING, UNDELIVERED
from rugcourse.bounces.report import BounceReport, BounceType
from rugcourse.bounces.ses_notification import read_notification
from rugcourse.bounces.text import (
    WORDS_READ,
    address_in,
    before_the_original,
    field,
    first_field,
    header,
    instant,
    quoted_ids,
    reply_in,
    shortened,
    telling_line,
    text_of,
)

LARGEST = 1_000_000  # bytes of a message that is accepted
# Limits on what is parsed. Some regular expressions and parsers, including the standard library's, take quadratic
# time. These limits keep that short: anybody can send a message, and none may hold up the others.
_LOOKED_AT = 200_000  # bytes
_MOST_LINES = 3_000
_LONGEST_LINE = 2_000  # bytes; RFC 5322 allows 998
_LONGEST_HEADER = 100  # lines
_MOST_PARTS = 40  # nested multiparts: each line is compared with the boundaries of all parts around it


_FIRST_FIELD = re.compile(
    r"\n((?:original-recipient|final-recipient|action|status|diagnostic-code):.*)", re.IGNORECASE | re.DOTALL
)


def read(raw: bytes) -> BounceReport:
    """Parse a message. Never raises: a message that can't be parsed is `OTHER`."""
    try:
        known = normalise_newlines(raw)
        if known.lower().count(b"multipart") > _MOST_PARTS or known.lower().count(b"message/rfc822") > _MOST_PARTS:
            return BounceReport(BounceType.OTHER)
        return _read(message_from_bytes(known, policy=policy.compat32))  # this policy decodes headers lazily
    except Exception:  # noqa: BLE001 - untrusted input, on which the parser may raise anything
        return BounceReport(BounceType.OTHER)


def normalise_newlines(raw: bytes) -> bytes:
    """Return the beginning of a message, with overlong lines and overlong headers cut off."""
    lines, continued = [], 0
    for line in raw[:_LOOKED_AT].split(b"\n", _MOST_LINES)[:_MOST_LINES]:
        continued = continued + 1 if line[:1] in {b" ", b"\t"} else 0
        if continued < _LONGEST_HEADER:
            lines.append(line[:_LONGEST_LINE])
    return b"\n".join(lines)


def read_reply(reply: str) -> BounceReport:
    """Parse the reply with which a server refused a mail (RFC 5321, 4.2)."""
    reply = reply[:WORDS_READ]
    status = next(iter(STATUS.findall(reply)), "")
    return BounceReport(classify(status, reply), status, reply)


def is_automatic(raw: bytes) -> bool:
    """Whether a message is an automatic reply (RFC 3834) or a delivery report (RFC 3464).

    Only headers count, as a person may quote anything in the text. An unsubscribe request by Apple Mail is not
    automatic, although it is marked as an automatic reply.
    """
    message = BytesHeaderParser(policy=policy.compat32).parsebytes(normalise_newlines(raw))
    if message.get("X-Apple-Unsubscribe"):
        return False
    is_report = message.get_content_type() in {"multipart/report", "message/delivery-status"}
    return is_report or _is_from_nobody(message) or _is_from_a_server(message) or _says_automatic(message)


def _read(message: Message) -> BounceReport:
    report = _what_it_is(message)
    at = report.at or instant(header(message, "Date"))
    identity = header(message, "Message-ID") or f"{at} {report.recipient} {report.status} {report.words}"
    return replace(report, recipient=report.recipient or _failed_recipient(message), at=at, identity=identity)


def _what_it_is(message: Message) -> BounceReport:
    quoted = tuple(dict.fromkeys(quoted_ids(message)))
    types = {part.get_content_type() for part in message.walk()}
    if "message/feedback-report" in types or _is_complaint(message, types):
        return _complaint(message, quoted)
    text = text_of(message)
    return read_notification(text) or _answer(message, types, text, quoted)


def _answer(message: Message, types: set[str], text: str, quoted: tuple[str, ...]) -> BounceReport:
    """Classify a message that is neither a complaint nor a notification of a relay."""
    blocks = [block for part in message.walk() for block in _blocks(part)] or _blocks_in(text)
    if any(block.get("Action") or block.get("Status") for block in blocks):
        return _delivery_report(blocks, text, quoted)
    if "message/delivery-status" in types or _is_from_a_server(message):  # some are marked auto-replied, too
        return _undelivered(message, text, quoted)
    if _is_auto_reply(message, text):
        return BounceReport(BounceType.AUTO_REPLY)
    if _is_about_delivery(message, text) or (message.get("From") and any(all_failures(message))):
        return _undelivered(message, text, quoted)
    return BounceReport(BounceType.OTHER, message_ids=quoted)


def _is_from_a_server(message: Message) -> bool:
    return bool(message.get("X-Failed-Recipients")) or FROM_A_SERVER.search(header(message, "From").lower())


def _is_complaint(message: Message, types: set[str]) -> bool:
    """Whether a message is a complaint without RFC 5965: the mail itself attached, or a header by Apple."""
    if message.get("X-Apple-Unsubscribe"):
        return True
    return "message/rfc822" in types and COMPLAINED.search(header(message, "Subject").lower())


def _complaint(message: Message, quoted: tuple[str, ...]) -> BounceReport:
    """Parse a complaint. Of the feedback types only `not-spam` is not one (RFC 5965, 3.1)."""
    blocks = [block for part in message.walk() for block in _blocks(part)]
    said_kind = first_field(blocks, "Feedback-Type").lower()
    return BounceReport(
        BounceType.OTHER if said_kind == "not-spam" else BounceType.COMPLAINT,
        words=said_kind[:40],
        message_ids=quoted,
        recipient=address_in(first_field(blocks, "Original-Rcpt-To")),
        at=instant(first_field(blocks, "Arrival-Date")),
    )


def _blocks(part: Message) -> list[Message]:
    """Return the groups of fields in a report part (RFC 3464, 2.1)."""
    if part.get_content_type() not in {"message/delivery-status", "message/feedback-report"}:
        return []
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload if isinstance(one, Message)]
    return [message_from_bytes(block.encode(), policy=policy.compat32) for block in str(payload).split("\n\n")]


def _blocks_in(text: str) -> list[Message]:
    """Return the groups of fields if the report has no part of its own, or its parts have no boundaries."""
    fields = (_FIRST_FIELD.search(f"\n{block}") for block in text.split("\n\n"))
    return [message_from_string(found[1], policy=policy.compat32) for found in fields if found]


def _delivery_report(blocks: Sequence[Message], text: str, quoted: tuple[str, ...]) -> BounceReport:
    recipients = [block for block in blocks if block.get("Action") or block.get("Status")]
    failed = next((one for one in recipients if field(one, "Action").lower().startswith("fail")), None)
    about = failed or recipients[0]
    outer = next(iter(STATUS.findall(field(about, "Status"))), "")
    words = _diagnostic(about)
    if field(about, "Action").lower().startswith(("delay", "relay", "deliver", "expand")):
        return BounceReport(BounceType.DELAYED, outer, shortened(words), quoted)
    own = before_the_original(text)
    return BounceReport(
        _kind_of(outer, words, own) or BounceType.SOFT,
        parse_reply(words).status or parse_reply(reply_in(own)).status or outer,
        shortened(words or own),
        quoted,
        address_in(field(about, "Final-Recipient") or field(about, "Original-Recipient")),
        instant(first_field(blocks, "Arrival-Date")),
    )


def _diagnostic(block: Message) -> str:
    whole = field(block, "Diagnostic-Code")
    return whole.partition(";")[2].strip() or whole


def _kind_of(outer: str, words: str, text: str) -> BounceType | None:
    """Classify by the innermost reply: the remote server's, then the nearer one's, then the status around both."""
    reply = reply_in(text)
    kind = by_words(words, outer, text) or by_status(parse_reply(words).status)
    kind = kind or by_words(reply, outer, text) or by_status(parse_reply(reply).status)
    return kind or by_status(outer) or by_words(text, outer)


def _undelivered(message: Message, text: str, quoted: tuple[str, ...]) -> BounceReport:
    """Parse a report that follows no standard."""
    subject, own = header(message, "Subject"), before_the_original(text)
    if STILL_TRYING.search(f"{subject} {own}".lower()):
        return BounceReport(BounceType.DELAYED, message_ids=quoted)
    status = parse_reply(reply_in(own)).status or parse_reply(own).status
    kind = _kind_of(status, "", own) or by_words(subject) or BounceType.SOFT
    return BounceReport(kind, status, shortened(telling_line(own)), quoted)


def _failed_recipient(message: Message) -> str:
    """Return the recipient in Exim's header; empty if it names several."""
    named = header(message, "X-Failed-Recipients")
    return "" if "," in named else named


def _is_auto_reply(message: Message, text: str) -> bool:
    """Whether a message is an automatic reply, by RFC 3834 and what systems did before it."""
    auto = _auto_submitted(message)
    if (
        auto.startswith("auto-replied")
        or _answers_by_itself(message)
        or AWAY.search(header(message, "Subject").lower())
    ):
        return True
    return auto == "auto-generated" and not _is_about_delivery(message, text)


def _says_automatic(message: Message) -> bool:
    return _auto_submitted(message) != "no" or _answers_by_itself(message)


def _auto_submitted(message: Message) -> str:
    return (header(message, "Auto-Submitted") or "no").split(";")[0].strip().lower()


def _answers_by_itself(message: Message) -> bool:
    """Whether a message is marked as automatic in a way from before RFC 3834."""
    if any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-From", "X-AutoReply-From")):
        return True
    return header(message, "Precedence").lower() == "auto_reply"


def _is_from_nobody(message: Message) -> bool:
    """Whether the return path is empty, so that the message must not be answered (RFC 5321, 4.5.5)."""
    return header(message, "Return-Path").strip() == "<>"


def _is_about_delivery(message: Message, text: str) -> bool:
    subject = header(message, "Subject").lower()
    if UNDELIVERED.search(subject) or NOT_A_MEMBER.search(subject):
        return True
    return _is_from_nobody(message) and UNDELIVERED.search(text[:2000].lower())
