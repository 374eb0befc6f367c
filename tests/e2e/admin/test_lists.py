"""The lists of the admin pages: for everybody, on every width, sorted with the keyboard, and taken along as a file."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import become_owner
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.builders import course_of, make_reader

from rugcourse.enrolment.suppression import suppress_address
from rugcourse.learning.feedback import Feedback, save_feedback

LISTS = (
    "/admin/subscribers", "/admin/subscribers?q=nobody", "/admin/suppressions", "/admin/remarks", "/admin/audit-log",
    "/admin/team", "/admin/imports", "/admin/campaigns", "/admin/campaigns/compare", "/admin/ab-tests/1",
)  # fmt: skip


def test_every_list_is_good_for_everybody(page: Page, site: Site) -> None:
    become_owner(page, site)
    email = make_reader(site.runtime, "a.person.with.a.long.address@a-practice-somewhere.example")
    site.runtime.database.run(suppress_address, site.clock.now(), site.runtime.signer, email, "admin")
    site.runtime.database.run(save_feedback, site.clock.now(), Feedback(1, "nl", helped=True, remark="Fijne les " * 30))
    campaign = course_of(site.runtime).campaign_id
    person = "/admin/subscribers/1"
    for path in (
        *LISTS,
        f"/admin/campaigns/{campaign}/results?unfolded=yes",
        f"/admin/campaigns/{campaign}/mails",
        person,
    ):
        page.goto(path)
        assert_good_for_everybody(page)


def test_a_list_is_sorted_by_the_keyboard_and_taken_along(page: Page, site: Site) -> None:
    become_owner(page, site)
    for email in ("m@x.example", "a@x.example", "z@x.example"):
        make_reader(site.runtime, email)
    page.goto("/admin/subscribers")
    heading = page.locator("th[scope=col] a").first
    heading.focus()
    page.keyboard.press("Enter")
    expect(page.locator("tbody th").first).to_have_text("a@x.example")
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    press(page, "th[scope=col] a >> nth=0")
    expect(page.locator("tbody th").first).to_have_text("z@x.example")
    page.goto("/admin/team")
    with page.expect_download() as download:
        page.click("form[action='/admin/lists/team'] button")
    assert download.value.suggested_filename == "team.csv"
    assert "owner" in Path(download.value.path()).read_text(encoding="utf-8")


def test_results_are_printed_without_what_only_a_screen_needs(page: Page, site: Site) -> None:
    become_owner(page, site)
    page.goto(f"/admin/campaigns/{course_of(site.runtime).campaign_id}/results")
    page.emulate_media(media="print")
    for part in ("header.top", "footer.wide", "form >> nth=0"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
