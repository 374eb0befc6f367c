"""A megabyte of anything costs little, whatever it is made of: what anybody can send must not hold up the others."""

from __future__ import annotations

import json

import pytest
from tests.support.within import within

from rugcourse.bounces import phrases
from rugcourse.bounces.imap_poller import _recipient
from rugcourse.bounces.parser import read, read_reply
from rugcourse.bounces.report import BounceType
from rugcourse.bounces.text import shortened
from rugcourse.bounces.webhooks.base import MalformedPayload, as_json
from rugcourse.links import Links, Signer

SIZE = 1_000_000
SECONDS, MEGABYTES = 10, 200
LINKS = Links("https://courses.example", Signer.from_texts(["a-key-for-tests-0123456789"]))
BOUNCE = b"From: MAILER-DAEMON@x\r\nSubject: Undelivered mail\r\nContent-Type: %s\r\n\r\n"
REPORT = (
    BOUNCE
    % b"multipart/report; report-type=delivery-status; boundary=b"
    + b"--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\nDiagnostic-Code: smtp; %s\r\nStatus: 5.0.0\r\n\r\n--b--\r\n"
)
PIECES = [
    b"a", b"<", b"@", b" ", b"-", b"\n", b"<a", b"a@", b"<a@b>\n", b"\n--", b"\n---\n", b"\n> ", b"5.1.1 ", b"550-", b"(",
    b"\nmessage-id:\n", b"message-id: <", b"mailbox ", b"account disable", b"=?utf-8?q?a?= ", b"\xff", b"\x00", b": host x said: ",
]  # fmt: skip


def filled(piece: bytes) -> bytes:
    return (piece * (SIZE // len(piece) + 1))[:SIZE]


@pytest.mark.parametrize("piece", PIECES, ids=repr)
def test_a_text_of_one_piece_is_read_in_no_time(piece: bytes) -> None:
    text = filled(piece)
    one_line = text.replace(b"\n", b" ")

    def work() -> None:
        read(BOUNCE % b"text/plain" + text)
        read(BOUNCE % b"text/html" + text)
        read(REPORT % (text, b"x"))
        read(REPORT % (b"x", one_line))
        shortened(text.decode("latin-1"))

    within(SECONDS, MEGABYTES, work)


@pytest.mark.parametrize(
    "header", [b"Subject", b"From", b"To", b"Content-Type", b"Auto-Submitted", b"Return-Path", b"Delivered-To"]
)
def test_a_header_of_a_megabyte_is_read_in_no_time(header: bytes) -> None:
    def work() -> None:
        for piece in (
            b";",
            b"; a=b",
            b"; a*0=b",
            b'"',
            b"\\",
            b"(",
            b",",
            b"<",
            b"=?utf-8?q?a?= ",
            b"\r\n a",
            b"\r\n ;",
        ):
            raw = header + b": multipart/mixed" + filled(piece) + b"\r\nFrom: MAILER-DAEMON@x\r\n\r\nbody"
            read(raw)
            _recipient(LINKS, raw)

    within(3 * SECONDS, MEGABYTES, work)


def test_messages_in_messages_are_not_followed_for_ever() -> None:
    def work() -> None:
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300))
        assert read(b"From: MAILER-DAEMON@x\r\n" + deep + b"\n" * SIZE).kind == BounceType.OTHER
        assert read(b"Content-Type: message/rfc822\r\n\r\n" * 15_000).kind == BounceType.OTHER
        read(BOUNCE % b"multipart/mixed; boundary=b" + b"--b\r\n\r\nx\r\n" * 90_000)
        read(
            BOUNCE % b"multipart/mixed; boundary=b"
            + b"--b\r\nContent-Type: message/delivery-status\r\n\r\na: b\r\n\r\n" * 18_000
        )

    within(SECONDS, MEGABYTES, work)


def test_the_words_of_servers_are_looked_for_in_no_time() -> None:
    """Each expression by itself on the most text that it ever sees, and a reply of a megabyte."""
    patterns = [one for one in vars(phrases).values() if isinstance(one, phrases.Phrases)]
    assert len(patterns) >= 8

    def work() -> None:
        for piece in PIECES:
            text = filled(piece).decode("latin-1")
            for pattern in patterns:
                pattern.search(text[:50_000])
            read_reply(text)

    within(12 * SECONDS, MEGABYTES, work)


@pytest.mark.parametrize("opening", ["[", '{"a":', "[{", '"'])
def test_json_that_never_closes_is_no_json(opening: str) -> None:
    def work() -> None:
        for text in (opening * (SIZE // len(opening)), json.dumps([0]) + opening * 1000):
            with pytest.raises(MalformedPayload):
                as_json(text)

    within(SECONDS, 400, work)
