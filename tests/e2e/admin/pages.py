"""What an admin does in a browser."""

from __future__ import annotations

from playwright.sync_api import Page
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.db.models import Role


def become_owner(page: Page, site: Site) -> None:
    """Log in as the owner, who did not exist before."""
    invitation = site.runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(site.runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)


def log_in(page: Page) -> None:
    page.goto("/admin/login")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    press(page, "button.button")


def go_to_next_step(page: Page) -> None:
    press(page, "form.form button.button")
    assert_good_for_everybody(page)
