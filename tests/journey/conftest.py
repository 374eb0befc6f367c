from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from tests.browser import ARGUMENTS, find_chromium
from tests.journey.site import Site

from rugcourse.clock import VirtualClock
from rugcourse.store.database import Database


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(_playwright: Playwright) -> Iterator[Browser]:
    running = _playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
    yield running
    running.close()


@pytest.fixture
def site(database: Database, clock: VirtualClock, tmp_path: Path) -> Iterator[Site]:
    """The pages on a port, on each of the two databases, with a clock that the test moves."""
    with Site(database, clock, tmp_path) as running:
        yield running
