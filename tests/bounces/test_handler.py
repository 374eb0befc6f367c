"""What follows from mail that comes back: the ledger knows it, readers are left alone, and a forger does nothing."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.bounces import ADDRESS, RAW_SAMPLES, bounce_about, receive_bounce, return_path_of, status_of
from tests.support.builders import (
    course_of,
    enrolment_of,
    lessons_to,
    mails_to,
    make_reader,
    plan,
    reader_with_lesson,
    ref,
    send_all,
)
from tests.support.rows import everything
from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.bounces import complaint_rate
from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.lmtp_server import LmtpHandler, start_lmtp_server
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.models import DeliveryKind, DeliveryRow, DeliveryState, EnrolmentStatus, SubscriberStatus
from rugcourse.db.queries import sending_holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.links import BadToken
from rugcourse.privacy.erase import erase


def test_each_mail_has_its_own_return_path(runtime: Runtime, sink: Sink, email: str) -> None:
    senders = [one.sender for one in sink.taken]
    assert len(set(senders)) == len(senders) == 3
    for sender in senders:
        local, _, domain = sender.partition("@")
        assert domain == "courses.example"
        assert local.startswith("bounces+")
        assert len(local) <= 64  # RFC 5321, 4.5.3.1.1
    newest = lessons_to(runtime, email)[-1].id
    assert runtime.links.returned(return_path_of(runtime, sink, email).upper()).delivery_id == newest


def test_return_path_is_the_sender_when_no_bounce_address_is_set(
    runtime: Runtime, sink: Sink, clock: VirtualClock
) -> None:
    settings = runtime.settings.model_copy(update={"bounce_address": ""})
    plain = replace(runtime, settings=settings)
    make_reader(plain)
    running = open_dispatcher(plain)
    send_all(running)
    running.close()
    assert {one.sender for one in sink.taken} == {settings.sender_address}


def test_a_mailbox_that_is_not_there_is_not_written_to_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    taken = receive_bounce(runtime, return_path_of(runtime, sink, email), "postfix unknown user")
    assert (taken.outcome, taken.report.kind) == (BounceOutcome.SUPPRESSED, BounceType.HARD)
    lesson = lessons_to(runtime, email)[-1]
    assert lesson.state == DeliveryState.FAILED
    assert (lesson.smtp_response or "").startswith("bounced: 5.1.1")
    assert email not in (lesson.smtp_response or "")
    assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED
    assert (
        receive_bounce(runtime, return_path_of(runtime, sink, email), "postfix unknown user").outcome
        == BounceOutcome.DUPLICATE
    )
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 1
    with runtime.database.read() as session:
        counted = counters.totals(session)
    assert sum(n for (_, _, what), n in counted.items() if what == "mail failed") == 1
    assert audit(runtime.database, clock.now(), timedelta(hours=1)).findings == ()


def test_three_in_a_row_that_did_not_arrive_are_enough_and_one_that_did_starts_anew(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    found = []
    for arrives in (False, False, True, False, False, False):
        if not arrives:
            found.append(receive_bounce(runtime, return_path_of(runtime, sink, email), "gmail full").outcome)
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
    assert found == [
        BounceOutcome.RECORDED,
        BounceOutcome.RECORDED,
        BounceOutcome.RECORDED,
        BounceOutcome.RECORDED,
        BounceOutcome.SUPPRESSED,
    ]


def test_a_lesson_that_did_not_arrive_goes_out_again_at_the_next_hour_before_all_others(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    first = lessons_to(runtime, email)[0]
    assert receive_bounce(runtime, return_path_of(runtime, sink, email), "gmail full").outcome == BounceOutcome.RECORDED
    assert (
        receive_bounce(runtime, return_path_of(runtime, sink, email), "gmail full").outcome == BounceOutcome.DUPLICATE
    )
    waiting = lessons_to(runtime, email)[0]
    assert (waiting.state, enrolment_of(runtime, email).next_position) == (DeliveryState.CANCELLED, 1)
    assert (waiting.smtp_response or "").startswith("bounced: 5.2.2")
    for lessons in (1, 2):
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
        assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * lessons
    assert lessons_to(runtime, email)[0].message_id == first.message_id
    assert len([one for one in sink.taken if one.message_id == first.message_id]) == 2
    with runtime.database.read() as session:
        assert counters.differences(session) == {}
        counted = counters.totals(session)
    assert sum(n for (_, _, what), n in counted.items() if what == "event bounce machine") == 1
    assert audit(runtime.database, clock.now(), timedelta(hours=1)).findings == ()


def test_a_bounce_that_comes_days_later_lets_the_reader_have_the_lesson_they_missed(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    last = len(course_of(runtime).course.lessons)
    addresses = [return_path_of(runtime, sink, email)]
    for _ in range(1, last):
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
        addresses.append(return_path_of(runtime, sink, email))
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    receive_bounce(runtime, addresses[2], "gmail full")
    receive_bounce(runtime, addresses[-1], "gmail full")
    assert enrolment_of(runtime, email).status == EnrolmentStatus.ACTIVE
    sent = len(sink.taken)
    for _ in range(4):
        clock.advance(days=1)
        for _ in range(last):  # each look passes one over that they had
            plan(runtime)
        send_all(dispatcher)
    again = [one.message_id for one in sink.taken[sent:]]
    mails = lessons_to(runtime, email)
    assert again == [mails[2].message_id, mails[-1].message_id]
    assert {one.state for one in mails} == {DeliveryState.ACCEPTED}
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    assert audit(runtime.database, clock.now(), timedelta(hours=1)).findings == ()


def test_a_lesson_that_is_refused_again_and_again_is_given_up_and_the_next_one_comes(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    for state in (DeliveryState.CANCELLED, DeliveryState.CANCELLED, DeliveryState.FAILED):
        assert (
            receive_bounce(runtime, return_path_of(runtime, sink, email), "outlook blocked ip").outcome
            == BounceOutcome.RECORDED
        )
        assert lessons_to(runtime, email)[0].state == state
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.FAILED, DeliveryState.ACCEPTED]
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE


@pytest.mark.parametrize(
    ("reply", "state", "status"),
    [
        ("550 5.1.1 no such user", DeliveryState.FAILED, SubscriberStatus.SUPPRESSED),
        ("552 5.2.2 mailbox full", DeliveryState.CANCELLED, SubscriberStatus.ACTIVE),
    ],
)
def test_refusal_during_smtp_has_the_same_consequences_as_a_bounce(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock, reply: str,
    state: DeliveryState, status: SubscriberStatus,
) -> None:  # fmt: skip
    sink.fault = lambda recipient: Fault("rcpt", reply) if recipient else None
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    second = lessons_to(runtime, email)[1]
    assert (second.state, second.smtp_response, status_of(runtime, email)) == (state, reply, status)
    sink.fault = lambda _: None
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    arrived = [one.state for one in lessons_to(runtime, email)].count(DeliveryState.ACCEPTED)
    assert arrived == (2 if status == SubscriberStatus.ACTIVE else 1)
    with runtime.database.read() as session:
        assert counters.differences(session) == {}
    assert audit(runtime.database, clock.now(), timedelta(hours=1)).findings == ()


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 5.1.1 no such user", BounceOutcome.SUPPRESSED),
        ("552 5.2.2 mailbox full", BounceOutcome.RECORDED),
        ("550 5.7.1 blocked by our policy", BounceOutcome.DOMAIN_HELD),
    ],
)
def test_whoever_reports_a_refusal_hears_what_was_done(
    runtime: Runtime, email: str, reply: str, outcome: BounceOutcome
) -> None:
    [lesson] = lessons_to(runtime, email)
    with runtime.database.write() as session:
        session.get_one(DeliveryRow, lesson.id).state = DeliveryState.FAILED  # as is written down before
        assert runtime.bounce_handler.handle_rejection(session, lesson.id, reply) == outcome
        assert runtime.bounce_handler.handle_rejection(session, lesson.id + 99, reply) == BounceOutcome.UNMATCHED


def test_a_relay_that_names_a_mail_means_that_one_and_not_the_newest(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    first = return_path_of(runtime, sink, email)
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    full = BounceReport(BounceType.SOFT, "5.2.2", "mailbox full")
    found = runtime.bounce_handler.handle_event(ProviderEvent(full, first, email, clock.now()))
    assert (found.outcome, found.delivery_id) == (BounceOutcome.RECORDED, lessons_to(runtime, email)[0].id)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.CANCELLED, DeliveryState.ACCEPTED]


def test_a_mail_around_the_lessons_that_did_not_arrive_is_out_of_date_by_then(
    runtime: Runtime, sink: Sink, email: str
) -> None:
    welcome = [one.sender for one in sink.taken if one.recipient == email][1]
    receive_bounce(runtime, welcome, "gmail full")
    assert mails_to(runtime, email, DeliveryKind.WELCOME)[0].state == DeliveryState.FAILED
    assert enrolment_of(runtime, email).next_position == 2


def test_a_server_that_does_not_want_us_holds_its_domain_and_blames_no_reader(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    """Said while we speak to it: nobody but the server can say it there."""
    sink.fault = lambda recipient: Fault("rcpt", "550 5.7.1 blocked by our policy") if recipient else None
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE
    with runtime.database.read() as session:
        assert "domain:example.org" in [hold.key for hold in sending_holds.all_holds(session)]


def test_by_mail_nobody_can_stop_more_than_their_own(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str
) -> None:
    """A reader knows the return paths of their own mails, and so can write any report about them."""
    assert (
        receive_bounce(runtime, return_path_of(runtime, sink, email), "outlook blocked ip").outcome
        == BounceOutcome.RECORDED
    )
    for _ in range(4):
        reader_with_lesson(runtime, dispatcher)
        forged = return_path_of(runtime, sink, sink.taken[-1].recipient)
        assert receive_bounce(runtime, forged, "complaint of outlook").outcome == BounceOutcome.SUPPRESSED
    with runtime.database.read() as session:
        assert sending_holds.all_holds(session) == []
        assert complaint_rate.of_campaigns(session, runtime.clock.now()) == []
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE


def test_complaint_suppresses_the_reader_and_leaves_the_mail_accepted(runtime: Runtime, sink: Sink, email: str) -> None:
    ours = lessons_to(runtime, email)[-1].message_id or ""

    def quote(raw: bytes) -> bytes:
        return raw.replace(b"<AbCd-1234@courses.example>", ours.encode())

    assert (
        receive_bounce(runtime, "abuse@elsewhere.example", "complaint of yahoo", quote).outcome
        == BounceOutcome.SUPPRESSED
    )
    assert lessons_to(runtime, email)[-1].state == DeliveryState.ACCEPTED
    assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED
    assert (
        receive_bounce(runtime, return_path_of(runtime, sink, email), "complaint of outlook").outcome
        == BounceOutcome.DUPLICATE
    )
    assert enrolment_of(runtime, email).lessons_planned == 1


@pytest.mark.parametrize(
    "name", ["holiday", "a ticket system", "postfix delayed", "a letter", "no complaint", "garbage"]
)
def test_mail_that_is_no_bounce_changes_nothing_and_gets_no_answer(
    runtime: Runtime, sink: Sink, email: str, name: str
) -> None:
    address, before, sent = return_path_of(runtime, sink, email), everything(runtime), len(sink.taken)
    assert receive_bounce(runtime, address, name).outcome == BounceOutcome.IGNORED
    assert everything(runtime) == before
    assert len(sink.taken) == sent


def test_a_forged_or_foreign_address_does_nothing(runtime: Runtime, sink: Sink, email: str) -> None:
    address, before = return_path_of(runtime, sink, email), everything(runtime)
    local, _, domain = address.partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    unsubscribe = runtime.links.unsubscribe(ref(runtime, 1)).rpartition("/")[2]
    for one in (
        forged,
        "bounces@courses.example",
        "bounces+@courses.example",
        f"bounces+{unsubscribe}@courses.example",
        "x",
        "",
        "a" * 5000,
    ):
        with pytest.raises(BadToken):
            runtime.links.returned(one)
        assert (
            receive_bounce(runtime, one, "postfix unknown user").outcome == BounceOutcome.UNMATCHED
        )  # it quotes a Message-ID of nobody
    assert everything(runtime) == before


def test_bounce_of_an_erased_subscriber_concerns_nobody(runtime: Runtime, sink: Sink, email: str) -> None:
    address = return_path_of(runtime, sink, email)
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, lessons_to(runtime, email)[0].subscriber_id)
    assert receive_bounce(runtime, address, "postfix unknown user").outcome == BounceOutcome.UNMATCHED


@contextmanager
def serving(runtime: Runtime, *, lmtp: bool = False) -> Iterator[smtplib.SMTP]:
    """A client of the door for what comes back."""
    port = free_port()
    server = start_lmtp_server(LmtpHandler(runtime.bounce_handler, ADDRESS), HOST, port, lmtp=lmtp)
    server.start()
    try:
        with (smtplib.LMTP if lmtp else smtplib.SMTP)(HOST, port, "localhost") as client:
            yield client
    finally:
        server.stop()


@pytest.mark.parametrize("lmtp", [False, True])
def test_the_door_takes_bounces_and_nothing_else(runtime: Runtime, sink: Sink, email: str, lmtp: bool) -> None:
    with serving(runtime, lmtp=lmtp) as client:
        for stranger in ("owner@courses.example", "bounces@other.example", "bounces+forged@courses.example"):
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("", [stranger], bounce_about("postfix unknown user", email))
        with pytest.raises(smtplib.SMTPException):
            client.sendmail("", [return_path_of(runtime, sink, email)], b"x" * 1_100_000)
    with serving(runtime, lmtp=lmtp) as client:
        client.sendmail("", [return_path_of(runtime, sink, email)], bounce_about("postfix unknown user", email))
        client.sendmail("", [ADDRESS], RAW_SAMPLES["a letter"])
    assert lessons_to(runtime, email)[-1].state == DeliveryState.FAILED


def test_characters_that_no_database_stores_are_removed_from_server_replies(
    runtime: Runtime, sink: Sink, email: str
) -> None:
    """PostgreSQL stores no NUL: a report with one was refused for good, and its mailbox never suppressed."""

    def poisoned(raw: bytes) -> bytes:
        return raw.replace(b"Diagnostic-Code: smtp; ", b"Diagnostic-Code: smtp; \x00\x1b[31m no \x00", 1)

    assert (
        receive_bounce(runtime, return_path_of(runtime, sink, email), "postfix unknown user", poisoned).outcome
        == BounceOutcome.SUPPRESSED
    )
    assert "\x00" not in (lessons_to(runtime, email)[-1].smtp_response or "")


def unsubscribe_address(runtime: Runtime, sink: Sink, email: str) -> str:
    """What the newest mail to somebody says in List-Unsubscribe."""
    newest = [one.raw for one in sink.taken if one.recipient == email][-1]
    found = re.search(rb"<mailto:([^?>]+)\?subject=unsubscribe>", newest)
    assert found is not None
    return found[1].decode()


WISH = b"From: r@far.example\r\nSubject: unsubscribe\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        WISH,
        b"From: r@far.example\r\nSubject: Undelivered mail, out of office\r\n\r\nI am away. 550 5.1.1 user unknown",
        b"From: r@far.example\r\nAuto-Submitted: no\r\n\r\n",
        # As Apple Mail sends it for its user.
        b"From: r@far.example\r\nAuto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true\r\n\r\nApple Mail sent this",
    ],
    ids=["empty", "any words", "no machine", "apple"],
)
@pytest.mark.parametrize("lmtp", [False, True])
def test_mail_to_the_unsubscribe_address_unsubscribes_its_reader(
    runtime: Runtime, sink: Sink, email: str, lmtp: bool, raw: bytes
) -> None:
    address = unsubscribe_address(runtime, sink, email)
    with serving(runtime, lmtp=lmtp) as client:
        client.sendmail("r@far.example", [address.upper()], raw)
        client.sendmail("r@far.example", [address], raw)
    assert status_of(runtime, email) == SubscriberStatus.LEFT
    assert enrolment_of(runtime, email).status == EnrolmentStatus.LEFT
    assert lessons_to(runtime, email)[-1].state == DeliveryState.ACCEPTED


@pytest.mark.parametrize(
    ("sender", "raw"),
    [
        ("r@far.example", b"Auto-Submitted: auto-replied (vacation)\r\n" + WISH),
        ("r@far.example", b"Auto-Submitted: auto-generated\r\n" + WISH),
        ("r@far.example", b"X-Autoreply: yes\r\n" + WISH),
        ("r@far.example", b"Precedence: auto_reply\r\n" + WISH),
        ("r@far.example", b"Return-Path: <>\r\n" + WISH),
        ("r@far.example", RAW_SAMPLES["postfix unknown user"]),
        ("", WISH),
    ],
)
def test_no_machine_unsubscribes_anybody_by_itself(
    runtime: Runtime, sink: Sink, email: str, sender: str, raw: bytes
) -> None:
    before = everything(runtime)
    with serving(runtime) as client:
        client.sendmail(sender, [unsubscribe_address(runtime, sink, email)], raw)
    assert everything(runtime) == before


def test_unsubscribe_by_mail_works_for_suppressed_readers_and_ignores_erased_ones(
    runtime: Runtime, sink: Sink, email: str
) -> None:
    address = unsubscribe_address(runtime, sink, email)
    assert (
        receive_bounce(runtime, return_path_of(runtime, sink, email), "postfix unknown user").outcome
        == BounceOutcome.SUPPRESSED
    )
    assert runtime.bounce_handler.handle_message(address, WISH).outcome == BounceOutcome.UNSUBSCRIBED
    assert status_of(runtime, email) == SubscriberStatus.SUPPRESSED
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, lessons_to(runtime, email)[0].subscriber_id)
    before = everything(runtime)
    with serving(runtime) as client:
        client.sendmail("r@far.example", [address], WISH)
    assert everything(runtime) == before


def test_bounce_and_unsubscribe_addresses_work_only_for_their_purpose(runtime: Runtime, sink: Sink, email: str) -> None:
    address = unsubscribe_address(runtime, sink, email)
    assert len(address.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1
    with pytest.raises(BadToken):
        runtime.links.returned(address)
    with pytest.raises(BadToken):
        runtime.links.unsubscribed(return_path_of(runtime, sink, email))
    assert (
        runtime.bounce_handler.handle_message(return_path_of(runtime, sink, email), WISH).outcome
        == BounceOutcome.IGNORED
    )
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE


def test_refusals_of_who_sends_count_for_nothing_when_a_mailbox_is_full(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, email: str, clock: VirtualClock
) -> None:
    found = []
    for name in ("outlook blocked ip", "outlook blocked ip", "gmail full", "gmail full", "gmail full"):
        found.append(receive_bounce(runtime, return_path_of(runtime, sink, email), name).outcome)
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
    assert found == [BounceOutcome.RECORDED] * 4 + [BounceOutcome.SUPPRESSED]
