"""What is counted, and that counting itself costs no more than it may."""

from __future__ import annotations

import socket
import time

import pytest
from fastapi.testclient import TestClient
from tests.support.servers import HOST, free_port

from rugcourse.bootstrap import Runtime
from rugcourse.web import app, rate_limits
from rugcourse.web.rate_limits import BoundedMemory, RequestLimits, network, shortened


@pytest.fixture
def counted() -> RequestLimits:
    return RequestLimits("memory://", 3, 5)


@pytest.mark.parametrize(
    ("client", "whole", "written"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("", "unknown", "unknown"),
        ("testclient", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_network_is_an_ipv4_address_or_an_ipv6_64(client: str | None, whole: str, written: str) -> None:
    assert (network(client), shortened(client)) == (whole, written)


def test_rate_limits_apply_per_network_and_overall(counted: RequestLimits) -> None:
    assert [counted.allows_signup("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert [counted.allows_signup(f"192.0.2.{number}") for number in range(2, 6)] == [True, True, False, False]


def test_rate_limiter_stores_no_networks_beyond_the_global_limit(counted: RequestLimits) -> None:
    memory = counted._limiter.storage
    for number in range(200):
        counted.allows_signup(f"192.0.2.{number}")
    for number in range(2000):
        counted.allows_login(f"account {number}", f"2001:db8:{number:x}::1")
    assert len(memory.events) < 1200


def test_rate_limiter_memory_is_bounded_and_freed_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_MOST_KEYS", 100)
    memory = BoundedMemory()
    assert all(memory.acquire_entry(f"a{number}", 1, 3600) for number in range(100))
    assert not memory.acquire_entry("one more", 1, 3600), "what is remembered counts, new names wait"
    assert not memory.acquire_entry("a5", 1, 3600)
    for entries in memory.events.values():
        entries[0].expiry = 0
    memory._looked_at = 0
    assert memory.acquire_entry("one more", 1, 3600)
    assert len(memory.events) == 1


def test_network_is_deleted_after_its_window(counted: RequestLimits) -> None:
    counted.allows_signup("192.0.2.1")
    counted.allows_signup("192.0.2.2")
    memory = counted._memory
    for key, entries in memory.events.items():
        if "192.0.2.1" in key:
            entries[0].expiry = 0
    counted.forget()
    names = str(list(memory.events))
    assert "192.0.2.1" not in names
    assert "192.0.2.2" in names


def test_networks_are_deleted_without_further_requests(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_FORGET_SECONDS", 0.01)
    pages = app.create_app(runtime)
    pages.state.limits.allows_signup("192.0.2.1")
    memory = pages.state.limits._memory
    for entries in memory.events.values():
        entries[0].expiry = 0
    with TestClient(pages):
        for _ in range(500):
            if not memory.events:
                return
            time.sleep(0.01)
    pytest.fail(str(list(memory.events)))


def test_rate_limiter_counts_in_process_without_redis() -> None:
    counted = RequestLimits(f"redis://{HOST}:{free_port()}/0", 3, 100)
    assert [counted.allows_signup("192.0.2.1") for _ in range(4)] == [True, True, True, False]


def test_webhook_signature_is_valid_for_one_body_and_its_retries(counted: RequestLimits) -> None:
    assert counted.is_first_use("token", "a")
    assert counted.is_first_use("token", "a")
    assert not counted.is_first_use("token", "b")
    assert not counted.is_first_use("token", "b")
    assert counted.is_first_use("token", "a")


def test_full_rate_limiter_does_not_lock_out_admins(monkeypatch: pytest.MonkeyPatch, counted: RequestLimits) -> None:
    monkeypatch.setattr(rate_limits, "_MOST_KEYS", 3)
    for number in range(5):
        counted.allows_mail(f"hash {number}")
    assert not counted.allows_mail("one more")
    assert counted.allows_login("account", "192.0.2.1", "1 1795000000")
    assert counted.allows_code("account")
    assert counted.allows_confirmation(7)


def test_unresponsive_redis_delays_only_one_request() -> None:
    with socket.create_server((HOST, 0)) as silent:
        counted = RequestLimits(f"redis://{HOST}:{silent.getsockname()[1]}/0", 3, 100)
        asked: list[int] = []
        hit = counted._limiter.hit
        counted._limiter.hit = lambda *what: (asked.append(1), hit(*what))[1]  # type: ignore[method-assign]
        assert [counted.allows_signup("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert len(asked) <= 1
