"""The metrics of a site: for whoever has the token, and without anything that a stranger chose."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import at_eight, make_reader, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.web.app import create_app

TOKEN = "a token for the tests"


@pytest.fixture
def watched(runtime: Runtime) -> TestClient:
    settings = runtime.settings.model_copy(update={"metrics_token": TOKEN})
    return TestClient(create_app(replace(runtime, settings=settings)), follow_redirects=False)


def read(site: TestClient) -> str:
    answer = site.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text


def value(page: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("sent", [None, "Bearer ", "Bearer another token", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN])
def test_without_the_token_there_is_no_such_page(watched: TestClient, sent: str | None) -> None:
    assert watched.get("/metrics", headers={"authorization": sent} if sent else {}).status_code == 404


def test_without_a_token_in_the_settings_nobody_reads(browser: TestClient) -> None:
    for sent in ("Bearer ", f"Bearer {TOKEN}"):
        assert browser.get("/metrics", headers={"authorization": sent}).status_code == 404


def test_mails_are_counted_with_their_lateness(watched: TestClient, runtime: Runtime, dispatcher: Dispatcher) -> None:
    before = read(watched)
    make_reader(runtime, hour=8)
    send_all(dispatcher)
    after = read(watched)
    for series in (
        'rugcourse_deliveries_total{kind="confirm",state="accepted"}',
        'rugcourse_delivery_lateness_seconds_count{kind="confirm"}',
        'rugcourse_smtp_seconds_count{reply="2xx"}',
    ):
        assert value(after, series) > value(before, series), series
    assert value(after, 'rugcourse_week_emails{outcome="accepted"}') >= 1


def test_what_waits_is_told_with_how_long(watched: TestClient, runtime: Runtime) -> None:
    make_reader(runtime)
    at_eight(runtime, day=1)
    page = read(watched)
    assert value(page, 'rugcourse_deliveries_waiting{queue="transactional"}') >= 1
    assert value(page, 'rugcourse_queue_age_seconds{queue="transactional"}') > 3600
    assert value(page, 'rugcourse_queue_age_seconds{queue="lessons"}') == 0


def test_no_label_is_what_a_stranger_typed(watched: TestClient) -> None:
    watched.get("/nl/strange-words-of-somebody")
    watched.get("/strange-words-of-somebody/at/a/place/that/is/none")
    watched.request("STRANGE", "/")
    page = read(watched)
    assert "strange" not in page.lower()
    assert 'route="none"' in page
    assert 'method="other"' in page


def test_health_says_whether_it_lives_and_whether_it_can_serve(browser: TestClient) -> None:
    assert browser.get("/health/live").text == "ok"
    assert browser.get("/health/ready").text == "ok"
