"""One request to a server that may be hostile, slow or somewhere else than it says."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import httpcore2
import pytest
from tests.support.webhook_receiver import LOOPBACK, Reply, closed_port, receiver, server_certificate

from rugcourse.outgoing_webhooks.connection import KEPT_CHARACTERS, WebhookAnswer, WebhookClient
from rugcourse.outgoing_webhooks.networks import Network


def post(
    url: str, allowed: Sequence[Network] = LOOPBACK, tls: ssl.SSLContext | None = None, total_seconds: float = 15.0
) -> WebhookAnswer:
    async def send() -> WebhookAnswer:
        client = WebhookClient(allowed, tls, total_seconds=total_seconds)
        try:
            return await client.post(url, {"content-type": "application/json"}, b"{}")
        finally:
            await client.close()

    return asyncio.run(send())


def test_an_answer_is_its_status_and_the_beginning_of_its_body() -> None:
    with receiver() as there:
        there.reply = lambda _: Reply(200, body=b"thanks\x00\x1b[31m " + b"y" * 5000)
        answer = post(there.url)
    assert answer.is_accepted
    assert answer.body.startswith("thanks  [31m y")
    assert len(answer.body) <= KEPT_CHARACTERS


def test_redirects_are_not_followed() -> None:
    with receiver() as there, receiver() as elsewhere:
        there.reply = lambda _: Reply(307, {"location": elsewhere.url})
        answer = post(there.url)
        assert elsewhere.received == []
    assert answer.status == 307
    assert not answer.is_accepted


def test_an_answer_of_200_megabytes_is_not_read_to_its_end() -> None:
    with receiver() as there:
        there.reply = lambda _: Reply(200, megabytes=200)
        answer = post(there.url)
        assert answer.status == 200
        assert there.sent_megabytes < 50


def test_a_server_that_does_not_answer_is_given_up() -> None:
    with receiver() as there:
        there.reply = lambda _: Reply(hang=True)
        answer = post(there.url, total_seconds=0.3)
    assert answer == WebhookAnswer(None, "no answer within 0.3 seconds")


def test_nobody_listening_is_an_answer_too() -> None:
    assert post(f"http://127.0.0.1:{closed_port()}/").status is None


def test_something_that_speaks_no_http_is_an_answer_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        import threading

        def say() -> None:
            client, _ = server.accept()
            client.recv(65536)
            client.sendall(b"220 mail.example ESMTP\r\n")
            client.close()

        thread = threading.Thread(target=say)
        thread.start()
        answer = post(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert answer.status is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://2130706433:{}/", "http://0x7f.1:{}/"]
)
def test_private_addresses_are_refused_before_anything_is_sent(url: str) -> None:
    with receiver() as there:
        port = there.url.rpartition(":")[2].partition("/")[0]
        answer = post(url.format(port), allowed=())
        assert there.received == []
    assert answer.status is None
    assert "not allowed" in answer.body


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    with receiver() as there:
        assert post(there.url).is_accepted


class Names:
    """A resolver that says something else each time, as a name server of an attacker does."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, _host: str | bytes | None, port: int, *_: object, **__: object) -> list[object]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to; none answers."""
    seen: list[str] = []

    async def connect(_self: object, host: str, *_: object, **__: object) -> None:
        seen.append(host)
        raise httpcore2.ConnectError("nobody there")

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect)
    return seen


def test_a_name_that_leads_elsewhere_at_a_second_look_up_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, connected: list[str]
) -> None:
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    post("https://rebinding.example/", allowed=())
    assert connected == ["93.184.216.34"]
    assert names.asked == 1


def test_a_name_with_one_private_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch, connected: list[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["93.184.216.34", "10.0.0.1"]))
    assert "10.0.0.1, which is not allowed" in post("https://mixed.example/", allowed=()).body
    assert connected == []


def test_tls_checks_the_name_of_the_host_and_who_vouches_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusting = server_certificate(tmp_path)
    with receiver(server) as there:
        port = there.url.rpartition(":")[2]
        assert post(there.url).status is None  # nobody vouches for it
        assert post(there.url, tls=trusting).is_accepted
        monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]))
        assert post(f"https://hooks.example:{port}", tls=trusting).is_accepted
        assert post(f"https://other.example:{port}", tls=trusting).status is None
        assert len(there.received) == 2
