"""An admin adds a passkey and comes in with it, in a real browser with a device that the browser plays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.clicks import log_out, press
from tests.e2e.site import Site
from tests.support.admins import PASSWORD

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import ChallengeRow, PasskeyRow, Role

OWNER = "owner@x.example"
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def site(clock: VirtualClock, tmp_path: Path) -> Iterator[Site]:
    """At a name: browsers allow no passkeys at an address of numbers."""
    database = Database(f"sqlite:///{tmp_path / 'pages.db'}")
    upgrade(database)
    with Site(database, clock, tmp_path, "localhost") as running:
        yield running
    database.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Page:
    return browser.new_context(base_url=site.address, locale="en-GB").new_page()


def test_a_passkey_is_added_opens_alone_and_is_removed(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto("/admin/login")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", PASSWORD)
    press(page, "form[action='/admin/login'] button.button")
    page.goto("/admin/account")
    for password, expected in (("not the password", ".wrong"), (PASSWORD, ".saved")):
        page.fill("form[data-passkey] input[name=name]", "My phone")
        page.fill("form[data-passkey] input[name=old]", password)
        press(page, "form[data-passkey] button")
        expect(page.locator(expected)).to_be_visible()
    expect(page.locator(".sessions").first).to_contain_text("My phone")
    assert_good_for_everybody(page)
    log_out(page)
    assert_good_for_everybody(page)
    press(page, "form[data-passkey] button")
    page.wait_for_url("**/admin")
    page.goto("/admin/account")
    page.locator("form", has=page.locator("button[value='passkey-out']")).locator("input[name=old]").fill(PASSWORD)
    press(page, "button[value='passkey-out']")
    log_out(page)
    press(page, "form[data-passkey] button")  # the device still has it; we don't
    expect(page.locator(".wrong")).to_be_visible()
    with runtime.database.read() as session:
        assert session.scalars(select(func.count()).select_from(PasskeyRow)).one() == 0
        assert session.scalars(select(func.count()).select_from(ChallengeRow)).one() == 0
