"""Limits on what strangers send, against a real server: they hold whatever the headers say."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from tests.support.servers import HOST, free_port

from rugcourse.bootstrap import Runtime
from rugcourse.web import connections, middleware
from rugcourse.web.app import create_app
from rugcourse.web.middleware import Limit
from rugcourse.web.server import BackgroundServer

FORM = "Content-Type: application/x-www-form-urlencoded"
PATIENCE = 20.0  # seconds after which a test gives up; nothing waits that long when it is right


@pytest.fixture
def port(runtime: Runtime) -> Iterator[int]:
    number = free_port()
    server = BackgroundServer(create_app(runtime), HOST, number)
    server.start()
    yield number
    server.stop()


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: courses.example", *headers, "", "")).encode()


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=PATIENCE)


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the server closes; fails if it never does."""
    received = b""
    while True:
        try:
            more = connection.recv(65_536)
        except ConnectionResetError:
            return received
        if not more:
            return received
        received += more


def chunks(size: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"%x\r\n" % size + b"x" * size + b"\r\n"


def send_until_closed(connection: socket.socket, parts: Iterator[bytes]) -> tuple[int, bytes]:
    """How many bytes went out before the server closed, and what it said."""
    sent = 0
    try:
        for part in parts:
            connection.sendall(part)
            sent += len(part)
    except OSError:
        pass
    return sent, answer_of(connection)


@pytest.mark.parametrize("encoding", ["chunked", "Chunked", "CHUNKED"])
@pytest.mark.parametrize("path", ["/nl/my-page", "/admin/login", "/webhooks/nobody"])
def test_body_without_content_length_is_limited(port: int, path: str, encoding: str) -> None:
    with connect(port) as connection:
        connection.sendall(head(path, f"Transfer-Encoding: {encoding}", FORM))
        sent, answer = send_until_closed(connection, chunks(50_000, 1000))
    assert answer[9:12] in {b"404" if path == "/webhooks/nobody" else b"413", b""}  # nothing, where closing was quicker
    assert sent < 20_000_000, "the server went on reading"


def test_request_with_content_length_and_chunked_encoding_is_refused(port: int) -> None:
    for headers in (
        ("Transfer-Encoding: identity", "Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length: -1",),
    ):
        with connect(port) as connection:
            connection.sendall(head("/nl/my-page", *headers))
            assert answer_of(connection).startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def test_too_large_content_length_is_refused_before_the_body(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/nl/my-page", "Content-Length: 64001"))
        assert answer_of(connection).startswith(b"HTTP/1.1 413")


def test_upload_that_is_too_large_gets_its_page_once_it_has_arrived(port: int) -> None:
    """A browser shows no answer before it has sent all."""
    with connect(port) as connection:
        connection.sendall(head("/admin/login", FORM, "Accept-Language: de", "Content-Length: 100000"))
        connection.sendall(b"x" * 100_000)
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert "größer als 64 kB".encode() in answer


def test_upload_without_an_end_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "_DISCARD_SECONDS", 0.3)
    with connect(port) as connection:
        connection.sendall(head("/admin/login", FORM, "Content-Length: 100000") + b"x")
        assert answer_of(connection).startswith(b"HTTP/1.1 413")


def test_slow_body_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "_DEFAULT_LIMIT", Limit(64_000, 0.3))
    with connect(port) as connection:
        connection.sendall(head("/nl/my-page", FORM, "Content-Length: 1000") + b"email=")
        assert answer_of(connection).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "begin", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"\r\n\r\n", b"G"]
)
def test_endless_headers_are_cut_off(port: int, monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with connect(port) as connection:
        connection.sendall(begin)
        assert b"HTTP/1.1 200" not in answer_of(connection)


def test_too_large_headers_are_refused(port: int) -> None:
    def lines() -> Iterator[bytes]:
        for number in range(20_000):
            yield b"X-%d: %s\r\n" % (number, b"x" * 1000)

    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        sent, _ = send_until_closed(connection, lines())
    assert sent < 10_000_000


def test_connection_is_closed_when_the_client_sends_on_after_the_answer(port: int) -> None:
    """The page is not there, so its body is never read: it must not hold the connection either."""
    with connect(port) as connection:
        connection.sendall(head("/webhooks/nobody", "Content-Length: 900000") + b"x")
        assert answer_of(connection).startswith(b"HTTP/1.1 404")


def test_only_a_request_keeps_an_idle_connection_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with connect(port) as connection:
        connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE:
            try:
                connection.sendall(b"\r\n")
            except OSError:
                return
            time.sleep(0.05)
    pytest.fail("line ends alone kept the connection open")


def test_requests_on_one_connection_are_answered_in_turn(port: int) -> None:
    request = b"GET /health/ready HTTP/1.1\r\nHost: x\r\n"
    with connect(port) as connection:
        connection.sendall((request + b"\r\n") * 2 + request + b"Connection: close\r\n\r\n")
        assert answer_of(connection).count(b"HTTP/1.1 200") == 3


def test_pipelined_requests_are_limited(port: int) -> None:
    """Whoever sends ten thousand at once would have them all kept until their turn came."""
    request = b"GET /nl HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(port) as connection:
        sent, answer = send_until_closed(connection, (request * 100 for _ in range(2_000)))
    assert answer.count(b"HTTP/1.1 200") <= 12
    assert sent < len(request) * 200_000


def test_trailers_are_refused(port: int) -> None:
    def trailers() -> Iterator[bytes]:
        for number in range(10_000):
            yield b"X-%d: %s\r\n" % (number, b"x" * 1000)

    with connect(port) as connection:
        connection.sendall(head("/nl/my-page", "Transfer-Encoding: chunked", FORM) + b"3\r\na=b\r\n0\r\n")
        sent, answer = send_until_closed(connection, trailers())
    assert answer[9:12] in {b"400", b""}
    assert sent < 9_000_000


def test_connection_is_closed_when_the_client_does_not_read_the_answer(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.3)
    request = b"GET /static/x/style.css HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(port) as connection:
        begun = time.monotonic()
        try:
            while time.monotonic() - begun < PATIENCE:
                connection.sendall(request)
                time.sleep(0.005)
        except OSError:
            return
    pytest.fail("the connection stayed open")
