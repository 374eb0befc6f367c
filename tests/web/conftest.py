from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.builders import at_eight, make_reader, plan, send_all
from tests.web.reading import CHROME

from rugcourse.delivery.send import Dispatcher
from rugcourse.runtime import Runtime
from rugcourse.web.app import create_app


@pytest.fixture
def browser(runtime: Runtime) -> TestClient:
    return TestClient(create_app(runtime), follow_redirects=False, headers=CHROME)


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher) -> str:
    """A reader who has had the first lesson."""
    address = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    return address
