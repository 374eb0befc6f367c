"""Every page and every mail for everybody: no violation of WCAG 2.2 AA, from 320 to 1440 pixels, by day and by night."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page
from tests.e2e.accessibility import assert_accessible, assert_fits, assert_good_for_everybody
from tests.e2e.clicks import press
from tests.e2e.reader import COURSES, WORDS, answer_all, follow, sign_up
from tests.e2e.site import Site
from tests.support.builders import at_eight, lessons_to, mails_to, ref
from tests.support.languages import write_german_course

from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryKind
from rugcourse.links import TokenPurpose

EMAIL = "sam@example.org"
PUBLIC = [
    "", "/privacy", "/imprint", "/accessibility", "/my-page", "/{}", "/{}/test", "/{}/test?a=0.1", "/{}/test?a=0&s=1",
    "/{}/signup", "/{}/safety-notice", "/{}/lessons/welkom", "/{}/lessons/specifieke-oorzaak", "/nowhere",
]  # fmt: skip
_LONGEST_SECONDS = 0.3
_MOST_BYTES = 60_000


@pytest.fixture
def site(clock: VirtualClock, tmp_path: Path) -> Site:  # type: ignore[misc]
    """On one database: what is looked at here is the pages."""
    database = Database(f"sqlite:///{tmp_path / 'pages.db'}")
    upgrade(database)
    with Site(database, clock, tmp_path) as running:
        import_courses(database, clock, write_german_course(tmp_path / "courses").parent)
        yield running  # type: ignore[misc]
    database.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Page:
    return browser.new_context(timezone_id="Europe/Amsterdam", base_url=site.address).new_page()


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_every_public_page(page: Page, site: Site, language: str) -> None:
    for path in PUBLIC:
        page.goto(f"/{language}{path.format(COURSES[language])}")
        assert_good_for_everybody(page)
    page.goto(f"/{language}/{COURSES[language]}/test")
    answer_all(page, [0] * 8)
    page.click(".explain summary")
    assert_good_for_everybody(page)
    page.goto(f"/{language}/{COURSES[language]}/signup")
    for folded in page.locator(".folded > summary").all():
        folded.click()
    assert_good_for_everybody(page)
    page.evaluate("document.querySelector('form').noValidate = true")
    site.read_forms()
    press(page, "button.button")  # everything is missing, and said
    assert_good_for_everybody(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_the_safety_notice_stand_in_frames_and_can_be_called_from_a_phone(
    page: Page, language: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    for path, heading in (("safety-notice", "h2"), ("lessons/specifieke-oorzaak", "h3")):
        page.goto(f"/{language}/{COURSES[language]}/{path}")
        assert_fits(page)
        assert_accessible(page)
        levels = page.locator("main .level")
        assert levels.count() == 5
        for number in range(5):
            level = levels.nth(number)
            assert level.locator(heading).inner_text()
            assert level.evaluate("one => parseFloat(getComputedStyle(one).borderLeftWidth)") >= 4
        numbers = page.locator("main a[href^='tel:']")
        assert numbers.first.is_visible()
        assert all(numbers.nth(one).bounding_box()["height"] >= 44 for one in range(numbers.count()))  # type: ignore[index]


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_every_page_behind_a_mail_and_every_mail(page: Page, site: Site, language: str) -> None:
    words = WORDS[language]
    sign_up(page, site, language)
    page.click(".folded summary")
    assert_good_for_everybody(page)
    site.open_mail(page, words["confirm"])
    assert_good_for_everybody(page, is_mail=True)
    follow(page, "a.button")
    assert_good_for_everybody(page)
    press(page, "button.button")
    assert_good_for_everybody(page)
    site.deliver()
    site.open_mail(page, words["welcome"])
    assert_good_for_everybody(page, is_mail=True)
    at_eight(site.runtime)
    for number in range(1, 10):
        site.deliver()
        site.open_mail(page, words["lesson"].format(number))
        assert_good_for_everybody(page, is_mail=True)
        site.clock.advance(days=1)
    sign = site.runtime.signer.sign_mail
    first, last = (ref(site.runtime, lessons_to(site.runtime, EMAIL)[number].id) for number in (0, -1))
    safety = ref(site.runtime, lessons_to(site.runtime, EMAIL)[5].id)
    for path in (
        f"/a/{sign(TokenPurpose.ANSWER, last, 0, 1)}", f"/w/{sign(TokenPurpose.LESSON, first)}", f"/w/{sign(TokenPurpose.LESSON, last)}",
        f"/t/{sign(TokenPurpose.RETEST, last)}", f"/p/{sign(TokenPurpose.PREFERENCES, last)}", f"/p/{sign(TokenPurpose.PREFERENCES, last)}/data",
        f"/p/{sign(TokenPurpose.PREFERENCES, last)}/erase", f"/p/{sign(TokenPurpose.PREFERENCES, last)}?done=wrong",
        f"/u/{sign(TokenPurpose.UNSUBSCRIBE, last)}",
    ):  # fmt: skip
        page.goto(path)
        assert_good_for_everybody(page)
    page.goto(f"/a/{sign(TokenPurpose.ANSWER, last, 0, 1)}")
    press(page, "button.button")
    assert_good_for_everybody(page)
    page.goto(f"/a/{sign(TokenPurpose.ANSWER, safety, 1, 0)}")
    press(page, "button.button")
    assert page.locator("main .level a").is_visible()
    assert_good_for_everybody(page)
    page.goto(f"/t/{sign(TokenPurpose.RETEST, last)}")
    answer_all(page, [1] * 8)
    assert_good_for_everybody(page)
    site.clock.advance(days=40)
    page.goto(f"/p/{sign(TokenPurpose.PREFERENCES, last)}")
    assert_good_for_everybody(page)
    press(page, "button[value=renew]")
    site.deliver()
    site.open_mail(page, words["link"])
    assert_good_for_everybody(page, is_mail=True)
    follow(page, "a.button")
    press(page, "a[href^='/u/']")
    press(page, "button[value=yes]")
    assert_good_for_everybody(page)
    assert mails_to(site.runtime, EMAIL, DeliveryKind.MAGIC_LINK)
