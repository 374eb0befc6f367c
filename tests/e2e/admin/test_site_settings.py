"""An owner makes the product theirs in a browser: names, two colours, a font, and sees them everywhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import log_in
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import COURSE

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.db.models import Role

PLUM, CREAM = "#7a1f6b", "#fff8ec"


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_an_owner_makes_the_product_theirs(page: Page, site: Site) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    press(page, "a[href='/admin/settings']")
    assert_good_for_everybody(page)
    page.fill("input[name=practice]", "Harbour Physio")
    page.fill("input[name=postal_address]", "Quay 2, Ghent")
    page.fill("input[name=author_name]", "Ada Jansen")
    page.fill("input[name='author_line.en']", "Physiotherapist. Knows a strong back when she sees one.")
    page.fill("input[name=accent]", "#ffe600")
    press(page, "#site button.button")
    expect(page.locator("section.problems")).to_contain_text("hard to read")
    assert_good_for_everybody(page)
    page.fill("input[name=accent]", PLUM)
    page.fill("input[name=paper]", CREAM)
    page.select_option("select[name=font]", "serif")
    shown = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
    assert shown == PLUM  # before anything is saved
    press(page, "#site button.button")
    expect(page.locator(".saved")).to_be_visible()
    expect(page.locator("header .brand")).to_contain_text("Harbour Physio")
    mail = page.frame_locator("iframe.mail")
    expect(mail.locator("body")).to_contain_text("Ada Jansen")
    expect(mail.locator("body")).to_contain_text("Quay 2, Ghent")
    assert_good_for_everybody(page)
    for path in (f"/en/{COURSE}", f"/en/{COURSE}/test", f"/en/{COURSE}/signup", "/en/imprint", "/admin"):
        page.goto(path)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 248, 236)"
        assert_good_for_everybody(page)
