from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.auth.test_access import make_admin
from tests.support.builders import reader_with_lesson
from tests.web.reading import CHROME
from tests.web.test_admin import log_in

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.web.app import create_app


@pytest.fixture(autouse=True)
def _answers_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes as long whoever asks takes no time, where hundreds ask and a test is about something else."""
    if request.module.__name__.rpartition(".")[2] in {"test_logging_in", "test_hostile_forms", "test_access_rules"}:
        monkeypatch.setattr("rugcourse.web.forms._SAME_SECONDS", 0.0)


@pytest.fixture
def browser(runtime: Runtime) -> TestClient:
    return TestClient(create_app(runtime), follow_redirects=False, headers=CHROME)


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher) -> str:
    """A reader who has had the first lesson."""
    return reader_with_lesson(runtime, dispatcher)


@pytest.fixture
def editor(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock, "editor@x.example", Role.EDITOR)
    browser.headers["accept-language"] = "en"
    log_in(browser, "editor@x.example")
    return browser
