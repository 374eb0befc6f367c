"""A refusal is hard, soft or policy: by the words of the server, then by its status, and the milder where they disagree."""

from __future__ import annotations

import pytest

from rugcourse.bounces.classifier import by_status, by_words, classify, parse_reply, plain
from rugcourse.bounces.report import BounceType

HARD, SOFT, POLICY, OTHER = BounceType.HARD, BounceType.SOFT, BounceType.POLICY, BounceType.OTHER


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", HARD),
        ("5.1.10", HARD),
        ("5.2.1", HARD),
        ("5.4.4", HARD),
        ("4.1.1", SOFT),
        ("4.2.2", SOFT),
        ("5.2.2", SOFT),
        ("5.3.4", SOFT),
        ("5.4.7", SOFT),
        ("5.7.1", POLICY),
        ("4.7.0", POLICY),
        ("5.1.8", POLICY),
        ("5.0.0", None),
        ("4.0.0", None),
        ("5.5.0", None),
        ("5.1.0", None),
        ("5.1.5", None),
        ("", None),
    ],
)
def test_a_status_says_what_kind_a_refusal_is_unless_it_is_vague(status: str, kind: BounceType | None) -> None:
    assert by_status(status) == kind


@pytest.mark.parametrize(
    ("status", "reply", "kind"),
    [
        ("5.0.0", "550 5.1.1 x", HARD),  # the status within the reply
        ("5.1.1", "550 x", HARD),  # the status around it
        ("5.1.1", "550 5.2.2 x", SOFT),  # the reply counts for more
        ("5.1.1", "452 4.2.2 mailbox full", SOFT),
        ("5.0.0", "550 user unknown", HARD),
        ("", "450 user unknown", SOFT),
        ("4.1.1", "550 user unknown", SOFT),  # the milder one
        ("5.2.2", "user unknown", SOFT),
    ],
)
def test_what_the_server_said_counts_for_more_than_the_status_around_it(
    status: str, reply: str, kind: BounceType
) -> None:
    assert classify(status, reply) == kind


def test_what_is_not_conclusive_is_what_the_caller_says() -> None:
    assert classify("5.0.0", "550 x") == SOFT
    assert classify("", "", OTHER) == OTHER
    assert by_words("550 x") is None


def test_a_refusal_before_the_recipient_was_named_is_not_about_them() -> None:
    said = "550 5.1.1 x"
    assert by_words(said, conversation="in reply to MAIL FROM command") == POLICY
    assert by_words("450 x", conversation="in reply to EHLO") == SOFT
    assert by_words(said, conversation="in reply to RCPT TO command") != POLICY


@pytest.mark.parametrize("code", ["521", "556"])
def test_a_host_that_takes_no_mail_has_no_reader(code: str) -> None:
    assert by_words(f"{code} x") == HARD


def test_a_reply_is_read_with_its_code_and_status() -> None:
    reply = parse_reply("450-4.2.2 The mailbox of <sam@x.example>\n450 4.2.2 is full")
    assert (reply.code, reply.status, reply.is_temporary) == ("450", "4.2.2", True)
    assert not parse_reply("550 5.4.2 x").is_temporary
    assert parse_reply("450 x").is_temporary
    nothing = parse_reply("hello")
    assert (nothing.code, nothing.status, nothing.is_temporary) == ("", "", False)
    assert parse_reply("550 4.2.2 x").is_temporary  # the status counts for more


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("User  <sam@x.example>\nUNKNOWN", "user unknown"),
        ("see https://x.example/help now", "see now"),
        ("host mx.x.example said no", "host said no"),
        ("(example.com) said no", "said no"),
        ("example.local said no", "example.local said no"),  # may as well be the end of a sentence
        ("full.Try again", "full.try again"),
        ("no.. dots", "no.. dots"),
        (f"{'x' * 200} {'y' * 201}", "x" * 200),
        ("邮箱@不存在", "邮箱@不存在"),  # words without spaces are no address
        ("don\u2019t", "don't"),
    ],
)
def test_words_are_compared_without_addresses_hosts_and_capitals(raw: str, text: str) -> None:
    assert plain(raw) == text


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("450 user unknown", SOFT),
        ("550 4.1.1 user unknown", SOFT),
        ("550 5.7.1 user unknown", HARD),  # a mailbox that is not there is not there, whatever the policy
        ("550 5.7.1 mailbox unavailable", POLICY),
        ("550 5.1.1 mailbox unavailable", HARD),
        ("550 5.2.2 mailbox unavailable", SOFT),
        ("450 4.7.1 too many messages", POLICY),
        ("450 4.5.3 too many messages", SOFT),
    ],
)
def test_a_status_decides_where_the_words_leave_it_open(reply: str, kind: BounceType) -> None:
    assert by_words(reply) == kind
