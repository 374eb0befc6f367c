from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.e2e.site import Site
from tests.support.browser import ARGUMENTS, find_chromium

from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database


@pytest.fixture(scope="module")  # not longer: while it is open, its event loop is in the way of others in this process
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def site(database: Database, clock: VirtualClock, tmp_path: Path) -> Iterator[Site]:
    """The pages on a port, on each of the two databases, with a clock that the test moves."""
    with Site(database, clock, tmp_path) as running:
        yield running
