"""An admin in a browser, on one database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.e2e.site import Site

from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade


@pytest.fixture
def site(clock: VirtualClock, tmp_path: Path) -> Iterator[Site]:
    database = Database(f"sqlite:///{tmp_path / 'pages.db'}")
    upgrade(database)
    with Site(database, clock, tmp_path) as running:
        yield running
    database.close()


@pytest.fixture(params=["nl-NL", "en-GB", "de-DE"])
def page(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Page:
    return browser.new_context(base_url=site.address, locale=request.param).new_page()
