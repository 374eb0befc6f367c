"""An owner who is logged in."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import log_in
from tests.support.admins import make_admin

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock


@pytest.fixture
def admin(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    """A browser in which an owner is inside."""
    make_admin(runtime.database, clock)
    assert log_in(browser).status_code == 303
    return browser
