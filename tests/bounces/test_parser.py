"""Mail that comes back is what it is called, in the formats of all big systems; and what is broken does no harm."""

from __future__ import annotations

import random

import pytest
from tests.support.bounce_samples import MESSAGE_ID, SAMPLES, Sample

from rugcourse.bounces.parser import LARGEST, is_automatic, normalise_newlines, read
from rugcourse.bounces.report import BounceType


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_parser_classifies_the_reports_of_each_mail_system(sample: Sample) -> None:
    found = read(sample.raw)
    assert found.kind == sample.kind
    if sample.status is not None:
        assert found.status == sample.status
    assert "@" not in found.words


def test_the_corpus_has_what_the_big_systems_send() -> None:
    assert len(SAMPLES) >= 60
    assert {sample.kind for sample in SAMPLES} == {*BounceType}
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


def test_the_mail_that_is_quoted_is_found() -> None:
    quoting = [one for one in SAMPLES if MESSAGE_ID.encode() in one.raw]
    assert len(quoting) > 40
    for sample in quoting:
        assert MESSAGE_ID in read(sample.raw).message_ids, sample.name


def test_parser_reads_truncated_and_changed_reports_without_an_error() -> None:
    draw = random.Random(7)  # noqa: S311 - no secret
    for sample in SAMPLES:
        for _ in range(5):
            raw = bytearray(sample.raw[: draw.randrange(len(sample.raw) + 1)])
            for _ in range(min(20, len(raw))):
                raw[draw.randrange(len(raw))] = draw.randrange(256)
            assert read(bytes(raw)).kind in BounceType
    endless = b"From: x\nContent-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * (LARGEST // 2)
    assert read(endless).kind == BounceType.OTHER


_PLAIN = "From: Sam <r@far.example>\nTo: bounces@courses.example\nSubject: Thanks\n"


def _message(headers: str = "", text: str = "Thank you.") -> bytes:
    return f"{headers}{_PLAIN}\n{text}\n".encode()


def _report(status: str, diagnostic: str, text: str = "It was not delivered.") -> bytes:
    """A report of RFC 3464 without a Message-ID."""
    return f"""From: postmaster@far.example
Subject: Undeliverable
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

{text}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.far.example

Final-Recipient: rfc822; r@far.example
Action: failed
Status: {status}
Diagnostic-Code: smtp; {diagnostic}
--b--
""".encode()


@pytest.mark.parametrize(
    ("headers", "automatic"),
    [
        ("", False),
        ("Auto-Submitted: no\n", False),
        ("Precedence: bulk\n", False),
        ("Return-Path: <r@far.example>\n", False),
        ("Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n", False),
        ("Auto-Submitted: auto-generated; comment\n", True),
        ("Precedence: auto_reply\n", True),
        ("X-Autorespond: yes\n", True),
        ("Return-Path: <>\n", True),
        ("X-Failed-Recipients: r@far.example\n", True),
        ("From: MAILER-DAEMON@far.example\n", True),
        ("Content-Type: multipart/report; boundary=b\n", True),
        ("Content-Type: message/delivery-status\n", True),
    ],
)
def test_a_message_is_automatic_by_any_one_of_its_headers(headers: str, automatic: bool) -> None:
    assert is_automatic(_message(headers, "Auto-Submitted: auto-replied")) is automatic


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("Auto-Submitted: auto-replied\n", BounceType.AUTO_REPLY),
        ("Auto-Submitted: auto-generated\n", BounceType.AUTO_REPLY),
        ("X-Autoreply: yes\n", BounceType.AUTO_REPLY),
        ("Precedence: auto_reply\n", BounceType.AUTO_REPLY),
        ("Subject: Out of office\n", BounceType.AUTO_REPLY),
        ("Auto-Submitted: no\n", BounceType.OTHER),
        ("", BounceType.OTHER),
    ],
)
def test_an_automatic_reply_is_known_by_any_one_of_its_headers(headers: str, kind: BounceType) -> None:
    assert read(_message(headers)).kind == kind


@pytest.mark.parametrize(
    ("status", "diagnostic", "text", "found"),
    [
        ("5.0.0", "550 5.1.1 user unknown", "It was not delivered.", "5.1.1"),
        ("5.0.0", "550 refused", "host mx.far.example said: 550 5.2.1 disabled", "5.2.1"),
        ("5.0.0", "550 5.1.1 user unknown", "host mx.far.example said: 550 5.2.1 disabled", "5.1.1"),
        ("5.1.2", "refused", "It was not delivered.", "5.1.2"),
    ],
)
def test_the_status_nearest_to_the_mailbox_counts(status: str, diagnostic: str, text: str, found: str) -> None:
    assert read(_report(status, diagnostic, text)).status == found


def test_the_words_of_a_server_are_read_with_and_without_the_name_of_its_protocol() -> None:
    plain = _report("5.0.0", "550 5.1.1 user unknown")
    for raw in (plain, plain.replace(b"Diagnostic-Code: smtp; ", b"Diagnostic-Code: ")):
        assert (read(raw).kind, read(raw).words) == (BounceType.HARD, "550 5.1.1 user unknown")


@pytest.mark.parametrize(("named", "found"), [("r@far.example", "r@far.example"), ("r@far.example, s@far.example", "")])
def test_the_address_in_a_header_of_exim_is_believed_where_it_is_one(named: str, found: str) -> None:
    raw = _message(f"X-Failed-Recipients: {named}\n", "550 5.1.1 user unknown")
    assert (read(raw).kind, read(raw).recipient) == (BounceType.HARD, found)


def test_a_report_is_known_by_its_message_id_or_else_by_what_it_says() -> None:
    one = _report("5.1.1", "550 5.1.1 user unknown")
    assert read(b"Message-ID: <a@mx.example>\n" + one).identity == "<a@mx.example>"
    assert read(one).identity == read(one).identity
    others = {read(raw).identity for raw in (one, one.replace(b"r@far", b"s@far"), _report("5.2.1", "550 disabled"))}
    assert len(others) == 3


def test_a_header_of_hundreds_of_lines_is_cut_and_those_after_it_are_read() -> None:
    long = b"Received: a\n" + b" by b\n\tfor c\n" * 400
    cut = normalise_newlines(long + b"Auto-Submitted: auto-replied\nSubject: " + b"x" * 9000 + b"\n\nText")
    assert len(cut) < 6000
    assert cut.endswith(b"x\n\nText")
    assert read(cut).kind == BounceType.AUTO_REPLY
    assert normalise_newlines(_message()) == _message()
