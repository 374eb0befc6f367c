"""An admin comes in for the first time, in a real browser: link, password, second factor, team, log, and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.clicks import log_out, press
from tests.e2e.site import Site
from tests.support.admins import PASSWORD
from tests.support.builders import at_eight, make_reader

from rugcourse.auth.admins import invite
from rugcourse.db.models import Role


def test_from_the_link_to_the_log(page: Page, site: Site) -> None:
    invitation = site.runtime.database.run(invite, site.clock, "owner@x.example", Role.OWNER)
    page.goto(f"/admin/invite/{invitation.token}")
    assert_good_for_everybody(page)
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    press(page, "button.button")
    page.wait_for_url("**/admin/account")
    assert_good_for_everybody(page)
    secret = page.inner_text("code")
    code = pyotp.TOTP(secret).now()
    page.fill("input[name=code]", code)
    page.locator("form", has=page.locator("button[value=second-factor]")).locator("input[name=old]").fill(PASSWORD)
    press(page, "button[value=second-factor]")
    expect(page.locator(".saved")).to_be_visible()
    log_out(page)
    page.wait_for_url("**/admin/login")
    assert_good_for_everybody(page)
    page.fill("input[name=email]", "owner@x.example")
    page.fill("input[name=password]", PASSWORD)
    press(page, "button.button")
    page.wait_for_url("**/admin/mfa")
    assert_good_for_everybody(page)
    page.fill("input[name=code]", pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30)))
    press(page, "button.button")
    page.wait_for_url("**/admin")
    assert_good_for_everybody(page)
    press(page, "a[href='/admin/team']")
    page.fill("input[name=email]", "editor@x.example")
    page.select_option("form.form select[name=role]", "editor")
    page.fill("form.form input[name=password]", PASSWORD)
    press(page, "button[value=invite]")
    expect(page.locator(".box code")).to_contain_text("/admin/invite/")
    assert_good_for_everybody(page)
    press(page, "a[href='/admin/audit-log']")
    expect(page.locator("tbody tr").first).to_contain_text("editor@x.example")
    assert_good_for_everybody(page)


def test_an_admin_finds_a_person_and_helps_them(page: Page, site: Site) -> None:
    email = make_reader(site.runtime)
    at_eight(site.runtime)
    site.deliver()
    invitation = site.runtime.database.run(invite, site.clock, "owner@x.example", Role.OWNER)
    page.goto(f"/admin/invite/{invitation.token}")
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    press(page, "button.button")
    press(page, "a[href='/admin/subscribers']")
    page.fill("input[name=q]", email[:8])
    press(page, "button.button")
    assert_good_for_everybody(page)
    press(page, f"text={email}")
    for summary in page.locator("details summary").all():
        summary.click()
    assert_good_for_everybody(page)
    page.locator("form", has=page.locator("button[value=pause]")).locator("input[name=reason]").fill("on holiday")
    press(page, "button[value=pause]")
    expect(page.locator(".saved")).to_be_visible()
    expect(page.locator("main")).to_contain_text("on holiday")
    page.goto("/admin/remarks")
    assert_good_for_everybody(page)
