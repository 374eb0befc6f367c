"""Public pages in a real browser: what its Content-Security-Policy makes of them."""

from __future__ import annotations

import json

from playwright.sync_api import Browser
from tests.e2e.site import Site
from tests.support.builders import COURSE


def test_a_browser_takes_the_data_of_a_course_and_blocks_nothing(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"/nl/{COURSE}")
    data = json.loads(page.locator('script[type="application/ld+json"]').text_content() or "")
    assert data["name"] == page.locator("h1").text_content()
    assert said == []
    page.close()
