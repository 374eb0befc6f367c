"""Pressing what leads to another page."""

from __future__ import annotations

from playwright.sync_api import Page


def press(page: Page, selector: str) -> None:
    """Click, and go on when the next page is there: an act in between would meet a page that is half gone."""
    with page.expect_event("load"):
        page.click(selector)


def log_out(page: Page) -> None:
    """Open the account menu, and leave."""
    page.click("details.account summary")
    press(page, "details.account form[action='/admin/logout'] button")
