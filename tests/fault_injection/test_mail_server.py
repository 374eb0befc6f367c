"""Drill 2: the mail server drops replies, stalls, hangs up, defers for hours, refuses some, refuses everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fault_injection.tally import Tally
from tests.support.builders import at_eight, lessons_to, make_reader, plan, planned_readers, send_all
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryState
from rugcourse.db.queries import sending_holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.recovery import expire_leases

READERS = 30
Passes = Callable[[Runtime, Sink], Tally]


@pytest.fixture
def readers(runtime: Runtime, dispatcher: Dispatcher) -> list[str]:
    return planned_readers(runtime, dispatcher, READERS)


@pytest.mark.parametrize("stall", [0.0, 2.0], ids=["drops the reply", "stalls for longer than the timeout"])
def test_a_reply_that_never_comes_is_named_and_never_sent_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, readers: list[str], stall: float,
    passes: Passes,
) -> None:  # fmt: skip
    unlucky = set(readers[::10])
    sink.fault = lambda recipient: Fault("reply", "", stall) if recipient in unlucky else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    clock.advance(hours=1)
    expire_leases(runtime.database, clock)
    send_all(dispatcher)
    tally = passes(runtime, sink)
    assert set(tally.unknown) == {lessons_to(runtime, email)[0].id for email in unlucky}
    assert tally.accepted == 3 * READERS - len(unlucky)


@pytest.mark.parametrize("messages", [1, 2, 7])
def test_a_connection_closed_every_few_messages_costs_nothing(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, readers: list[str], messages: int, passes: Passes
) -> None:
    sink.messages_per_connection = messages
    send_all(dispatcher)
    assert passes(runtime, sink).accepted == 3 * READERS


@pytest.mark.parametrize("reply", ["421 come back later", "450 4.7.1 greylisted", "451 4.3.0 no room"])
def test_deferrals_for_two_hours_delay_mail_and_lose_none(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, readers: list[str], reply: str,
    passes: Passes,
) -> None:  # fmt: skip
    sink.fault = lambda recipient: Fault("rcpt", reply) if recipient else None
    end = clock.now() + timedelta(hours=2)
    while clock.now() < end:
        send_all(dispatcher)
        clock.advance(minutes=5)
    sink.fault = lambda _: None
    for _ in range(24):
        send_all(dispatcher)
        clock.advance(minutes=5)
    tally = passes(runtime, sink)
    assert (tally.accepted, tally.failed) == (3 * READERS, 0)


def test_a_refused_reader_fails_alone(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, readers: list[str], passes: Passes
) -> None:
    sink.fault = lambda recipient: Fault("rcpt", "550 5.1.1 no such user") if recipient == readers[3] else None
    send_all(dispatcher)
    tally = passes(runtime, sink)
    assert (tally.failed, tally.accepted) == (1, 3 * READERS - 1)
    assert lessons_to(runtime, readers[3])[0].smtp_response == "550 5.1.1 no such user"


@pytest.mark.parametrize(
    "fault", [Fault("helo", "554 no service"), Fault("mail", "530 5.7.0 log in"), Fault("mail", "550 5.7.1 not you")]
)
def test_a_server_that_refuses_us_pauses_all_sending_with_one_alert_and_fails_nobody(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, readers: list[str], fault: Fault,
    passes: Passes, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for connection in dispatcher._connections:
        connection.quit()
    sink.fault = lambda _: fault
    before = sink.count
    for _ in range(6):
        send_all(dispatcher)
        clock.advance(minutes=1)
    assert sink.count == before
    with runtime.database.read() as session:
        [hold] = sending_holds.all_holds(session)
    assert hold.key == sending_holds.ALL
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("sending_held") == 1
    assert {lessons_to(runtime, email)[0].state for email in readers} == {DeliveryState.PLANNED}
    sink.fault = lambda _: None
    clock.advance(minutes=6)
    send_all(dispatcher)
    assert passes(runtime, sink).accepted == 3 * READERS
    with runtime.database.read() as session:
        assert sending_holds.all_holds(session) == []


@pytest.mark.parametrize(
    ("url", "reply"),
    [
        ("smtp://user:wrong@127.0.0.1:{port}?starttls=never", "535"),
        ("smtp://127.0.0.1:{port}?starttls=always", "STARTTLS"),
        ("smtps://127.0.0.1:{port}", "SSL"),
    ],
    ids=["login", "starttls", "tls"],
)
def test_a_login_or_encryption_that_fails_holds_everything_and_sends_nothing_in_the_clear(
    runtime: Runtime, dispatcher: Dispatcher, readers: list[str], url: str, reply: str
) -> None:
    with Sink(lambda _: Fault("auth", "535 5.7.8 wrong password"), auth=True) as strict:
        settings = runtime.settings.model_copy(update={"smtp_url": url.format(port=strict.port)})
        sender = open_dispatcher(replace(runtime, settings=settings))
        send_all(sender)
        sender.close()
        assert strict.count == 0
    with runtime.database.read() as session:
        [hold] = sending_holds.all_holds(session)
    assert reply in hold.reason
    assert {lessons_to(runtime, email)[0].state for email in readers} == {DeliveryState.PLANNED}


def test_a_domain_that_refuses_us_as_a_policy_pauses_alone(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, passes: Passes
) -> None:
    strict = [make_reader(runtime, f"r{number}@strict.example") for number in range(5)]
    others = [make_reader(runtime, f"r{number}@other.example") for number in range(5)]
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    sink.fault = lambda recipient: Fault("dot", "550 5.7.1 blocked") if recipient.endswith("@strict.example") else None
    send_all(dispatcher)
    assert {lessons_to(runtime, email)[0].state for email in others} == {DeliveryState.ACCEPTED}
    assert {lessons_to(runtime, email)[0].state for email in strict} == {DeliveryState.PLANNED}
    asked = sum(f"<{email}>" in command for email in strict for command in sink.commands if command.startswith("RCPT"))
    assert asked <= 5 + 5 + 2  # confirm, welcome, and hardly anybody after the first refusal
    sink.fault = lambda _: None
    clock.advance(hours=1, minutes=5)
    send_all(dispatcher)
    assert passes(runtime, sink).accepted == 30
