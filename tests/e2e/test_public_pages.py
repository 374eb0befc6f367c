"""Public pages in a real browser: what its Content-Security-Policy makes of them, and where mistakes in forms lead."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.clicks import press
from tests.e2e.reader import WORDS, confirm, own_page, sign_up
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


def assert_says_what_is_wrong(page: Page, *fields: str) -> None:
    """The summary has the focus and leads to each field; the field says it too, and shows it."""
    assert page.title().startswith("Fout: ")
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    assert [link.get_attribute("href") for link in summary.locator("a").all()] == [f"#{field}" for field in fields]
    for field in fields:
        summary.locator(f"a[href='#{field}']").click()
        told = page.locator(f"#wrong-{field}")
        expect(told).to_be_visible()
        expect(page.locator(f"[aria-invalid][aria-describedby='wrong-{field}']").first).to_be_visible()
        assert page.evaluate("document.activeElement.id") == field
        assert summary.locator(f"a[href='#{field}']").inner_text() in told.inner_text()


def without_its_own_checks(page: Page) -> None:
    page.evaluate("document.querySelectorAll('form').forEach(form => form.noValidate = true)")


def test_the_signup_form_leads_to_each_mistake(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    page.goto(f"/nl/{COURSE}/signup")
    page.fill("#email", "sam@@example.org")
    page.click(".folded > summary >> nth=0")
    for box in page.locator("input[name=days]").all():
        box.uncheck()
    without_its_own_checks(page)
    site.read_forms()
    press(page, "button.button")
    assert_says_what_is_wrong(page, "email", "days", "consent")
    border = "one => getComputedStyle(one).borderTopColor"
    assert page.locator("#email").evaluate(border) != page.locator("#name").evaluate(border)
    page.close()


@pytest.mark.parametrize(
    ("zone", "named"),
    [
        ("America/New_York", "Verenigde Staten (New York)"),
        ("Asia/Calcutta", "India (Kolkata)"),
        ("Europe/Kiev", "Oekraïne (Kyiv)"),
    ],
)
def test_the_zone_of_the_browser_is_proposed_by_whatever_name_it_has(
    browser: Browser, site: Site, zone: str, named: str
) -> None:
    page = browser.new_context(timezone_id=zone, base_url=site.address).new_page()
    page.goto(f"/nl/{COURSE}/signup")
    expect(page.locator("#zone")).to_be_hidden()
    page.click(".folded > summary >> nth=0")
    expect(page.locator("[data-zone]")).to_have_text(named)
    expect(page.locator("#zone")).to_be_hidden()
    page.context.close()


def test_where_the_zone_of_the_browser_is_unknown_it_is_asked_for(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    page.add_init_script("Intl.DateTimeFormat.prototype.resolvedOptions = () => ({ timeZone: 'Mars/Olympus_Mons' });")
    page.goto(f"/nl/{COURSE}/signup")
    expect(page.locator("#zone")).to_be_visible()
    page.close()


def test_what_is_said_of_folded_fields_changes_with_them(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    page.goto(f"/nl/{COURSE}/signup")
    for folded in page.locator(".folded > summary").all():
        folded.click()
    page.select_option("#zone", "Asia/Tokyo")
    expect(page.locator("[data-zone]")).to_have_text("Japan (Tokio)")
    expect(page.locator(".applies")).to_have_text("Zoals jij kiest")
    page.close()


def test_a_question_of_the_test_without_an_answer_says_so(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    page.goto(f"/nl/{COURSE}/test?a=0")
    without_its_own_checks(page)
    press(page, "button.button")
    assert_says_what_is_wrong(page, "answer")
    page.close()


def test_the_forms_of_the_own_page_lead_to_each_mistake(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    sign_up(page, site, "nl")
    confirm(page, site, WORDS["nl"])
    own_page(page, site, "Je doet mee")
    own = page.url
    for box in page.locator("input[name=days]").all():
        box.uncheck()
    press(page, "button[value=save]")
    assert_says_what_is_wrong(page, "days")
    page.goto(own)
    page.fill("#name", "www.x.example")
    press(page, "button[value=name]")
    assert_says_what_is_wrong(page, "name")
    page.goto(own)
    without_its_own_checks(page)
    page.fill("#until", "2020-01-01")
    press(page, "button[value=pause]")
    assert_says_what_is_wrong(page, "until")
    page.close()


def test_the_forms_about_ones_rights_lead_to_each_mistake(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    sign_up(page, site, "nl")
    confirm(page, site, WORDS["nl"])
    page.goto("/nl/my-page")
    page.fill("#email", "sam@@example.org")
    without_its_own_checks(page)
    site.read_forms()
    press(page, "button.button")
    assert_says_what_is_wrong(page, "email")
    page.fill("#email", "sam@example.org")
    press(page, "button.button")
    site.deliver()
    own_page(page, site, WORDS["nl"]["link"])
    own = page.url
    for below, field in (("address", "email"), ("erase", "sure")):
        page.goto(f"{own}/{below}")
        without_its_own_checks(page)
        press(page, "button.button")
        assert_says_what_is_wrong(page, field)
    page.close()
