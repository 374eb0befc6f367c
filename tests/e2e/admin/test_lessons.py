"""An admin writes a lesson in a real browser: preview beside it, checks, publishing to readers under way, history."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import log_in
from tests.e2e.clicks import press
from tests.e2e.site import Site
from tests.support.admins import OWNER, PASSWORD
from tests.support.builders import COURSE, course_of, lessons_to, make_reader

from rugcourse.auth.admins import invite, set_first_password
from rugcourse.db.models import Role


@pytest.mark.parametrize("page", ["nl-NL", "de-DE"], indirect=True)
def test_a_lesson_from_the_first_word_to_the_reader(page: Page, site: Site) -> None:
    runtime = site.runtime
    email = make_reader(runtime)
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    press(page, "a[href='/admin/lessons']")
    assert_good_for_everybody(page)
    press(page, f"a[href='/admin/lessons/{COURSE}/overbelasting']")
    expect(page.frame_locator(".mail:not(.next)").locator("h1")).to_be_visible()
    assert_good_for_everybody(page)

    page.check("#shown-nl")
    page.fill("[id='f-nl.title']", "Een nieuwe titel")
    expect(page.frame_locator(".mail:not(.next)").locator("h1")).to_have_text("Een nieuwe titel")
    page.fill("[id='f-nl.subject']", "Kijk nou!")
    page.check("#shown-en")
    page.fill("[id='f-en.today']", "")
    expect(page.locator("#checks .wrong >> nth=1")).to_be_visible()
    assert_good_for_everybody(page)
    press(page, "button[value=publish]")
    expect(page.locator(".findings .wrong")).to_have_count(2)
    assert_good_for_everybody(page)
    page.go_back()
    press(page, "a[href='/admin/lessons']")
    press(page, f"a[href='/admin/lessons/{COURSE}/overbelasting']")
    page.check("#shown-nl")
    page.fill("[id='f-nl.subject']", "Les 2: een nieuwe titel")
    page.check("#shown-en")
    page.fill("[id='f-en.today']", "Choose one thing.")
    press(page, "button[value=publish]")
    expect(page.locator("ins").first).to_be_visible()
    assert_good_for_everybody(page)
    press(page, "form.form button.button")
    expect(page.locator(".saved").first).to_be_visible()

    press(page, "a[href$='/history']")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert_good_for_everybody(page)
    site.clock.advance(hours=2)
    site.deliver()
    site.next_day()
    assert len(lessons_to(runtime, email)) == 2
    assert "Een nieuwe titel" in site.html("Les 2: een nieuwe titel")
    assert course_of(runtime).course.lessons[1].texts["en"].today == "Choose one thing."


@pytest.mark.parametrize("page", ["nl-NL", "en-GB"], indirect=True)
def test_a_draft_is_discarded_after_a_question_and_comes_back_with_one_press(
    page: Page,
    site: Site,
) -> None:
    runtime = site.runtime
    invitation = runtime.database.run(invite, site.clock, OWNER, Role.OWNER)
    set_first_password(runtime.database, site.clock, invitation.token, PASSWORD)
    log_in(page)
    page.goto("/admin/lessons")
    page.click(f"form:has([name=course][value={COURSE}]) >> xpath=../summary")
    page.fill(f"form:has([name=course][value={COURSE}]) input[name=title]", "Sleep")
    press(page, f"form:has([name=course][value={COURSE}]) button")
    discard = page.locator("form[action$='/discard'] button")
    expect(discard).to_be_hidden()  # behind a question, the last on the page
    page.click("main > section:last-of-type summary")
    assert_good_for_everybody(page)
    press(page, "form[action$='/discard'] button")
    expect(page.locator(".saved")).to_contain_text("Sleep")
    assert_good_for_everybody(page)
    expect(page.locator(f"a[href='/admin/lessons/{COURSE}/sleep']")).to_have_count(0)
    press(page, ".saved button")
    expect(page.locator(".saved").first).to_be_visible()
    assert page.url.endswith("/sleep?done=draft-restored")
    assert_good_for_everybody(page)
