"""One message on one connection: what the server's reply, or its silence, means."""

from __future__ import annotations

import pytest
from tests.support.smtp_sink import Fault, Sink

from rugcourse.delivery.smtp import (
    Accepted,
    Connection,
    Deferred,
    Envelope,
    Outcome,
    Rejected,
    ServerUnavailable,
    Unknown,
    printable,
)
from rugcourse.settings import SmtpServer

SAM = Envelope("bounces+1@d.example", "sam@x.example")
KIM = Envelope("bounces+2@d.example", "kim@x.example")
MESSAGE = b"Subject: hello\r\n\r\n.a line with a dot\r\n..two\r\nend.\r\n"


def connect(sink: Sink, user: str | None = None, security: str = "plain") -> Connection:
    server = SmtpServer("127.0.0.1", sink.port, user, "secret" if user else None, security)  # type: ignore[arg-type]
    return Connection(server, "localhost", 1.0)


def send(connection: Connection, envelope: Envelope = SAM, upcoming: Envelope | None = None) -> Outcome:
    return connection.send(envelope, MESSAGE, lambda: None, upcoming)


def commands(sink: Sink) -> list[str]:
    return [one.partition(" ")[0].upper() for one in sink.commands]


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_message_arrives_as_it_is_in_its_envelope(pipelining: bool) -> None:
    with Sink(pipelining=pipelining) as sink:
        connection = connect(sink)
        assert send(connection) == Accepted("250 taken")
        assert send(connection, KIM) == Accepted("250 taken")
        connection.quit()
    assert [(one.sender, one.recipient, one.raw) for one in sink.taken] == [(*SAM, MESSAGE), (*KIM, MESSAGE)]


def test_a_message_that_does_not_fit_into_one_write_arrives_whole(sink: Sink) -> None:
    message = MESSAGE + b".0123456789\r\n" * 400_000
    assert connect(sink).send(SAM, message, lambda: None) == Accepted("250 taken")
    assert sink.taken[0].raw == message


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("step", "reply", "outcome", "alive"),
    [
        ("mail", "451 later", Deferred, True),
        ("mail", "499 later", Deferred, True),
        ("rcpt", "450 full", Deferred, True),
        ("rcpt", "400 later", Deferred, True),
        ("rcpt", "550 nobody", Rejected, True),
        ("rcpt", "500 what", Rejected, True),
        ("rcpt", "599 what", Rejected, True),
        ("data", "451 later", Deferred, True),
        ("data", "554 no", Rejected, True),
        ("dot", "451 later", Deferred, True),
        ("dot", "400 later", Deferred, True),
        ("dot", "500 spam", Rejected, True),
        ("dot", "599 spam", Rejected, True),
        ("dot", "299 fine", Accepted, True),
        ("dot", "421 closing", Deferred, False),
        ("rcpt", "421 closing", Deferred, False),
        ("rcpt", "", Deferred, False),
        ("rcpt", "354 go on", Deferred, False),
        ("rcpt", "600 what", Deferred, False),
        ("dot", "", Unknown, False),
        ("reply", "", Unknown, False),
        ("dot", "354 go on", Unknown, False),
        ("dot", "300 what", Unknown, False),
        ("dot", "600 what", Unknown, False),
        ("dot", "199 what", Unknown, False),
    ],
)
def test_a_reply_decides_about_the_message_and_the_connection(
    step: str, reply: str, outcome: type[Outcome], alive: bool, pipelining: bool
) -> None:
    begun: list[str] = []
    with Sink(lambda who: Fault(step, reply) if step == "mail" or who else None, pipelining=pipelining) as sink:
        connection = connect(sink)
        found = connection.send(SAM, MESSAGE, lambda: begun.append("begun"))
        assert isinstance(found, outcome)
        assert connection.alive is alive
        if alive or (reply.startswith("421") and not pipelining):
            assert found.reply == reply
        if alive:
            sink.fault = lambda _: None
            assert send(connection, KIM) == Accepted("250 taken")
    assert len(begun) == (step in {"dot", "reply"})  # before that, nothing can have been accepted


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_refuses_the_sender_takes_no_mail_at_all(pipelining: bool) -> None:
    with Sink(lambda _: Fault("mail", "550 blocked"), pipelining=pipelining) as sink:
        connection = connect(sink)
        with pytest.raises(ServerUnavailable, match=r"127\.0\.0\.1 refuses the sender: 550 blocked"):
            send(connection)
    assert not connection.alive


def test_silence_after_the_message_leaves_it_unknown_and_before_it_deferred() -> None:
    for step, outcome in (("dot", Unknown), ("rcpt", Deferred)):
        with Sink(lambda who, step=step: Fault(step, "250 ok", 1.5) if who else None) as sink:  # type: ignore[misc]
            connection = connect(sink)
            found = send(connection)
            assert isinstance(found, outcome)
            assert "timed out" in found.reply
            assert not connection.alive


def test_a_message_that_can_not_be_noted_is_not_sent(sink: Sink) -> None:
    def fail() -> None:
        raise RuntimeError("the disk is full")

    connection = connect(sink)
    with pytest.raises(RuntimeError):
        connection.send(SAM, MESSAGE, fail)
    assert not connection.alive
    assert send(connection) == Deferred("please run connect() first")
    assert sink.taken == []


def test_the_next_envelope_goes_along_with_a_message(sink: Sink) -> None:
    connection = connect(sink)
    assert send(connection, SAM, KIM) == Accepted("250 taken")
    assert send(connection, KIM) == Accepted("250 taken")
    connection.quit()
    assert [one.recipient for one in sink.taken] == ["sam@x.example", "kim@x.example"]
    assert commands(sink)[1:] == ["MAIL", "RCPT", "DATA"] * 2 + ["QUIT"]


def test_a_message_for_which_the_server_does_not_wait_is_deferred(sink: Sink) -> None:
    connection = connect(sink)
    send(connection, SAM, KIM)
    assert send(connection, SAM) == Deferred("the server waited for another message")
    assert not connection.alive
    assert len(sink.taken) == 1


def test_a_server_without_pipelining_gets_each_envelope_with_its_message() -> None:
    with Sink(pipelining=False) as sink:
        connection = connect(sink)
        send(connection, SAM, KIM)
        assert send(connection, SAM) == Accepted("250 taken")


def test_quit_says_goodbye_unless_the_server_waits_for_a_message(sink: Sink) -> None:
    polite, waiting, closed = connect(sink), connect(sink), connect(sink)
    polite.quit()
    polite.quit()
    assert commands(sink).count("QUIT") == 1
    send(waiting, SAM, KIM)
    waiting.quit()
    closed.close()
    closed.close()
    closed.quit()
    assert commands(sink).count("QUIT") == 1
    assert not any(one.alive for one in (polite, waiting, closed))


@pytest.mark.parametrize("on", [True, False])
def test_only_what_a_server_offers_is_used(on: bool) -> None:
    with Sink(pipelining=on, eight_bit=on) as sink:
        connection = connect(sink, security="opportunistic")
        found = connection.capabilities()
        send(connection)
    assert (found.encrypted, found.pipelining, found.eight_bit) == (False, on, on)
    assert any("BODY=8BITMIME" in one for one in sink.commands) is on


@pytest.mark.parametrize(
    ("offer", "largest"), [("SIZE 1000", 1000), ("SIZE 1", 1), ("SIZE 0", None), ("SIZE", None), ("SIZE x", None)]
)
def test_a_server_may_say_how_large_a_message_may_be(sink: Sink, offer: str, largest: int | None) -> None:
    sink.size = offer
    assert connect(sink).capabilities().largest == largest


def test_nobody_there_or_a_server_that_does_not_serve_us_is_no_fault_of_a_message() -> None:
    with Sink(lambda _: Fault("helo", "554 go away")) as sink, pytest.raises(ServerUnavailable, match="go away"):
        connect(sink)
    with pytest.raises(ServerUnavailable, match=str(sink.port)):
        connect(sink)


def test_a_wrong_password_and_a_missing_encryption_are_no_fault_of_a_message() -> None:
    with Sink(auth=True) as sink:
        assert send(connect(sink, "user")) == Accepted("250 taken")
        assert "AUTH" in commands(sink)
        with pytest.raises(ServerUnavailable, match="STARTTLS"):
            connect(sink, security="starttls")
        sink.fault = lambda _: Fault("auth", "535 wrong password")
        with pytest.raises(ServerUnavailable, match="535 wrong password"):
            connect(sink, "user")


def test_a_reply_is_one_line_of_printable_characters() -> None:
    assert printable("no\r\n\x1b[31mmail\u2028here é") == "no   [31mmail here é"
