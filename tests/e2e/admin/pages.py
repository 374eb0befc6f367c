"""What an admin does in a browser."""

from __future__ import annotations

from playwright.sync_api import Page
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.clicks import press
from tests.support.admins import OWNER, PASSWORD


def log_in(page: Page) -> None:
    page.goto("/admin/login")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    press(page, "button.button")


def go_to_next_step(page: Page) -> None:
    press(page, "form.form button.button")
    assert_good_for_everybody(page)
