"""A reader's whole way in a real browser, on both databases: from the test at the door until nothing is left of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.accessibility import assert_accessible
from tests.e2e.clicks import press
from tests.e2e.reader import COURSES, WORDS, all_rows_as_text, answer_all, confirm, follow, own_page, sign_up
from tests.e2e.site import Site
from tests.support.builders import COURSE, at_eight, course_of
from tests.support.languages import write_german_course

from rugcourse.course_editor.file_sync import import_courses


@pytest.fixture(params=["nl", "en", "de"])
def language(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> str:
    if request.param == "de":
        import_courses(site.runtime.database, site.clock, write_german_course(tmp_path / "courses").parent)
    return str(request.param)


@pytest.fixture
def page(browser: Browser, site: Site) -> Page:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, timezone_id="Europe/Amsterdam", base_url=site.address
    )
    return context.new_page()


def test_from_the_door_to_being_erased(page: Page, site: Site, language: str, tmp_path: Path) -> None:
    words = WORDS[language]
    # The test is the door; going back and reloading lose nothing.
    page.goto(f"/{language}/{COURSES[language]}")
    press(page, "a.button")
    answer_all(page, [0, 1, 2])
    page.reload()
    page.go_back()
    expect(page.locator("main")).to_contain_text("3")
    answer_all(page, [2, 0, 1, 0, 1, 0])
    expect(page.locator(".topics svg")).to_have_count(7)
    expect(page.locator(".mark-box")).to_be_visible()
    press(page, ".box a.button")
    sign_up_path = page.url
    assert "?t=" in sign_up_path
    page.fill("input[name=email]", "sam@example.org")
    page.fill("input[name=name]", "Sam Vos")
    page.check("input[name=consent]")
    site.read_forms()
    press(page, "button.button")
    expect(page.locator(".address")).to_have_text("sam@example.org")
    site.deliver()
    confirm(page, site, words)

    # The e-book comes at once.
    site.open_mail(page, words["welcome"])
    book = page.request.get(page.locator("a[href$='.pdf']").get_attribute("href") or "")
    assert book.body().startswith(b"%PDF-1.7")
    assert page.request.get(page.locator("a[href$='.epub']").get_attribute("href") or "").ok

    # A lesson, read and answered.
    at_eight(site.runtime)
    site.deliver()
    site.open_mail(page, words["lesson"].format(1))
    follow(page, "a.option", course_of(site.runtime).course.lessons[0].texts["nl"].quiz[0].right_option)
    press(page, "button.button")
    expect(page.locator("h1")).to_contain_text(words["right"])

    # The own page: another hour and pace, the next lesson now, a break until a date, and on again.
    own_page(page, site, words["lesson"].format(1))
    expect(page.locator(".mine .come")).to_have_count(1)
    page.select_option("select[name=hour]", "8")
    page.select_option("select[name=every_days]", "7")
    press(page, "button[value=save]")
    expect(page.locator(".saved")).to_contain_text(words["saved"])
    expect(page.locator("main")).to_contain_text(words["weekly"])
    press(page, "button[value=next]")
    site.deliver()
    site.open_mail(page, words["lesson"].format(2))
    own_page(page, site, words["lesson"].format(2))
    expect(page.locator(".mine .come")).to_have_count(2)
    expect(page.locator("button[value=next]")).to_have_count(0)
    page.fill("input[name=until]", "2026-12-24")
    press(page, "button[value=pause]")
    expect(page.locator("main")).to_contain_text(words["break"])
    press(page, "button[value=resume]")
    expect(page.locator("main")).to_contain_text(words["weekly"])

    # A lesson on the web: it helped.
    press(page, ".mine .come a")
    page.check("input[name=helped][value=yes]")
    page.click(".helped summary")
    page.fill("textarea", "Helder <b>stuk</b>")
    press(page, ".helped button")
    expect(page.locator(".saved")).to_be_visible()

    # Leaving, and back again.
    own_page(page, site, words["lesson"].format(2))
    press(page, "a[href^='/u/']")
    press(page, "button[value=yes]")
    expect(page.locator("h1")).to_contain_text(words["left"])
    press(page, "button[value=undo]")
    expect(page.locator("h1")).to_contain_text(words["back"])

    # A copy of everything, by a link that is mailed for that; and then nothing is left.
    own_page(page, site, words["lesson"].format(2))
    press(page, "a[href$='/data']")
    assert "sam@example.org" not in page.content()
    assert_accessible(page)
    press(page, "button[value=renew]")
    site.deliver()
    own_page(page, site, words["link"])
    press(page, "a[href$='/data']")
    press(page, "button[value=page]")
    expect(page.locator("main")).to_contain_text("sam@example.org")
    assert_accessible(page)
    with page.expect_download() as download:
        page.click("button[value=file]")
    copy = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert copy["person"][0]["email"] == "sam@example.org"
    assert copy["remarks"][0]["remark"] == "Helder <b>stuk</b>"
    assert copy["tests"][0]["right"] + 1 > 0
    own_page(page, site, words["link"])
    press(page, "a[href$='/erase']")
    page.check("input[name=sure]")
    press(page, "button.danger")
    expect(page.locator("h1")).to_contain_text(words["erased"])
    left = all_rows_as_text(site)
    for trace in ("sam@example.org", "Sam Vos", "Helder"):
        assert trace not in left
    site.wait_for_notices()
    mails = len(site.mails)
    assert words["gone"] in str(site.mails[-1]["Subject"])
    site.next_day()
    assert len(site.mails) == mails
    own = site.html(words["lesson"].format(2))
    for link in {one for one in own.split('"') if one.startswith(site.address) and one[len(site.address)] == "/"}:
        path = link[len(site.address) :]
        if path[:3] in {"/p/", "/w/", "/a/", "/u/"}:
            assert page.request.get(link).status == 404


def test_expired_link_is_renewed_by_mail_without_javascript(browser: Browser, site: Site, language: str) -> None:
    words = WORDS[language]
    page = browser.new_context(java_script_enabled=False, base_url=site.address).new_page()
    sign_up(page, site, language)
    confirm(page, site, words)
    at_eight(site.runtime)
    site.deliver()
    site.clock.advance(days=31)
    own_page(page, site, words["lesson"].format(1))
    expect(page.locator(".mine")).to_have_count(0)
    assert "sam@example.org" not in page.content()
    press(page, "button[value=renew]")
    site.deliver()
    own_page(page, site, words["link"])
    expect(page.locator(".mine li")).to_have_count(9)
    page.goto(f"/{language}/my-page")
    page.fill("input[name=email]", "nobody@example.org")
    site.read_forms()
    press(page, "button.button")
    unknown = page.inner_text("main")
    page.goto(f"/{language}/my-page")
    page.fill("input[name=email]", "sam@example.org")
    site.read_forms()
    press(page, "button.button")
    assert page.inner_text("main") == unknown
    site.deliver()
    assert (
        len([one for one in site.mails if words["link"] in str(one["Subject"])]) == 2
    )  # by a link, and by the address


def test_a_reader_of_two_courses_leaves_one_and_keeps_the_other(page: Page, site: Site) -> None:
    words = WORDS["nl"]
    for course in (COURSE, "stress-en-rugpijn"):
        sign_up(page, site, "nl", course)
        confirm(page, site, words)
    at_eight(site.runtime)
    site.deliver()
    assert len([one for one in site.mails if "(les 1)" in str(one["Subject"])]) == 2
    own_page(page, site, "stress of pijn")
    expect(page.locator("a", has_text="Begrijp je rugpijn").last).to_be_visible()
    press(page, "a[href^='/u/']")
    press(page, "button[value=course]")
    expect(page.locator("h1")).to_contain_text("met deze cursus gestopt")
    site.next_day()
    subjects = [str(one["Subject"]) for one in site.mails]
    kept = course_of(site.runtime).course.lessons[1].texts["nl"].subject.replace("{{ number }}", "2")
    assert [one for one in subjects if "(les 2)" in one] == [kept]
