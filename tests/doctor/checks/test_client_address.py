"""The doctor sees whether the pages know where a visitor comes from."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.support.servers import HOST, free_port

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.doctor.checks.client_address import MADE_UP, ReceivedRequest, check_client_address, compare
from rugcourse.doctor.report import State
from rugcourse.links import Links, Signer
from rugcourse.web.app import create_app
from rugcourse.web.server import BackgroundServer

PROXY, VISITOR = "172.30.57.1", "198.51.100.7"


@pytest.mark.parametrize(
    ("client", "forwarded", "https", "state"),
    [
        (VISITOR, (VISITOR,), True, State.OK),  # the proxy replaced what the doctor had sent, and is believed
        (VISITOR, (MADE_UP, VISITOR), True, State.OK),  # it added to it, and the last one is believed
        (VISITOR, (MADE_UP,), False, State.OK),  # there is no proxy
        (MADE_UP, (MADE_UP,), True, State.ERROR),
        (MADE_UP, (MADE_UP, VISITOR), True, State.ERROR),
        (PROXY, (VISITOR,), True, State.WARNING),
        (PROXY, (MADE_UP, VISITOR), False, State.WARNING),
        (PROXY, (MADE_UP,), True, State.WARNING),
        (PROXY, (), False, State.WARNING),
    ],
)
def test_client_address_check_judges_the_proxies_of_a_request(
    client: str, forwarded: tuple[str, ...], https: bool, state: State
) -> None:
    finding = compare(ReceivedRequest(client, forwarded), has_proxy=https)
    assert finding.state == state
    assert ("RUGCOURSE_TRUSTED_PROXIES" in finding.fix) == (state != State.OK)
    assert (PROXY in finding.fix % finding.values) == (state == State.WARNING)


@pytest.fixture
def site(runtime: Runtime) -> Iterator[Runtime]:
    """The pages, without a proxy before them."""
    port = free_port()
    address = f"http://{HOST}:{port}"
    settings = runtime.settings.model_copy(update={"base_url": address})
    running = replace(runtime, settings=settings, links=Links(address, runtime.signer))
    server = BackgroundServer(create_app(running), HOST, port)
    server.start()
    yield running
    server.stop()


def test_pages_without_a_proxy_know_their_visitors(site: Runtime) -> None:
    [finding] = check_client_address(site.settings, site.links, site.clock)
    assert finding.state == State.OK


def test_pages_that_can_not_be_reached_are_not_known(runtime: Runtime) -> None:
    nowhere = Links(f"http://{HOST}:{free_port()}", runtime.signer)
    [finding] = check_client_address(runtime.settings, nowhere, runtime.clock)
    assert finding.state == State.UNKNOWN


def test_a_stranger_and_an_old_address_are_told_nothing(site: Runtime, clock: VirtualClock) -> None:
    stranger = Links(site.settings.base_url, Signer.from_texts(["another-key-0123456789"]))
    now = int(clock.now().timestamp())
    fresh = site.links.client_address(now)
    assert status(fresh) == 200
    assert status(stranger.client_address(now)) == 404
    clock.advance(minutes=6)
    assert status(fresh) == 404


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - of this test
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
