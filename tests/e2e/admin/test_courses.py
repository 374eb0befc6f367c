"""A dietician makes a course of a Word file, in one language, and its first lesson arrives: all in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import become_owner
from tests.e2e.clicks import press
from tests.e2e.reader import confirm, sign_up
from tests.e2e.site import Site
from tests.support.articles import docx, heading, paragraph

ANSWERS = (("Ja", "Dat klopt niet."), ("Nee", "Dat klopt."), ("Soms", "Dat klopt niet."))
SENTENCE = "Wie rustig eet, merkt eerder dat het genoeg is. "


def article() -> bytes:
    """Two chapters and an introduction, as a Word file."""
    parts = [heading("Eten met aandacht", 1), paragraph("Eten kan rustiger. " * 12)]
    for title in ("Waarom rustig eten werkt", "Wat je vandaag kunt doen"):
        parts += [heading(title, 2), *(paragraph(SENTENCE * 6) for _ in range(3))]
    return docx(*parts)


@pytest.mark.parametrize("page", ["nl-NL"], indirect=True)
def test_a_word_file_becomes_a_course_whose_first_lesson_arrives(page: Page, site: Site) -> None:
    become_owner(page, site)
    press(page, "a[href='/admin/lessons']")
    press(page, "a[href='/admin/new-course']")
    assert_good_for_everybody(page)
    press(page, "a[href='/admin/new-course/article']")
    assert_good_for_everybody(page)
    name = "eten.docx"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    page.set_input_files("input[name=file]", {"name": name, "mimeType": kind, "buffer": article()})
    page.select_option("select[name=language]", "nl")
    press(page, "button.button")
    expect(page.locator("h2[id^=l]")).to_have_count(3)
    assert_good_for_everybody(page)
    press(page, "button[value^='merge']")  # the first chapter joins the introduction
    expect(page.locator("h2[id^=l]")).to_have_count(2)
    press(page, "button[value=make]")
    expect(page.locator("[data-lesson]")).to_have_count(2)
    assert_good_for_everybody(page)

    for number in range(2):
        page.locator("[data-lesson] a").nth(number).click()
        page.wait_for_url("**/admin/lessons/eten-met-aandacht/**")
        write_lesson(page, number)
        press(page, "button[value=save]")
        page.goto("/admin/courses/eten-met-aandacht")
    press(page, "a[href$='/parts/page']")
    page.fill("[id='f-nl.tagline']", "Twee lessen over rustig eten.")
    page.fill("[id='f-nl.summary']", "Waarom rustig eten werkt")
    page.fill("[id='f-nl.body']", "Deze cursus helpt je rustiger eten.")
    expect(page.locator("#autosaved")).not_to_be_empty()
    assert_good_for_everybody(page)
    press(page, "button[value=back]")
    expect(page.locator("input[name='publish.nl']")).to_be_checked()
    assert_good_for_everybody(page)
    press(page, "form[action$='/publish'] button.button")
    expect(page.locator(".saved")).to_be_visible()

    sign_up(page, site, "nl", "eten-met-aandacht")
    confirm(page, site, {"confirm": "Bevestig", "welcome": "Je doet mee"})
    site.clock.advance(hours=3)
    site.deliver()
    assert "Eten kan rustiger" in site.html("Les 1 van 2")


def write_lesson(page: Page, number: int) -> None:
    """What an article does not say: a subject, what to do, and a question with its answers."""
    page.fill("[id='f-nl.subject']", "Les {{ number }} van {{ total }}" if number == 0 else "Nu jij")
    page.fill("[id='f-nl.preheader']", "Eet rustig")
    page.fill("[id='f-nl.highlight']", "Rustig eten geeft je lijf de tijd.")
    page.fill("[id='f-nl.today']", "Leg je vork na elke hap even neer.")
    page.fill("[id='f-nl.quiz.0.question']", "Moet je snel eten?")
    for place, (text, why) in enumerate(ANSWERS):
        page.fill(f"[id='f-nl.quiz.0.options.{place}.text']", text)
        page.fill(f"[id='f-nl.quiz.0.options.{place}.why']", why)
    page.check("input[name='quiz.0.right'][value='1']")
    if number == 0:
        assert_good_for_everybody(page)


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_markdown_is_written_by_buttons_and_lessons_are_dragged(page: Page, site: Site) -> None:
    become_owner(page, site)
    page.goto("/admin/new-course")
    page.fill("input[name=title]", "Calm eating")
    page.select_option("select[name=language]", "en")
    press(page, "button.button")
    for title in ("First", "Second"):
        page.goto("/admin/courses/calm-eating")
        page.fill("input[name=title]", title)
        press(page, "form[action$='/lessons'] button")
    page.goto("/admin/courses/calm-eating/parts/page")
    box = page.locator("[id='f-en.body']")
    box.fill("calm")
    box.select_text()
    page.click(".toolbar button[data-around='**']")
    expect(box).to_have_value("**calm**")
    box.fill("one\ntwo")
    box.select_text()
    page.click(".toolbar button[data-before='- ']")
    expect(box).to_have_value("- one\n- two")
    page.keyboard.press("Control+z")
    expect(box).to_have_value("one\ntwo")
    paste = "box => { const data = new DataTransfer(); data.setData('text/html', '<p><b>Rest</b> well</p>');"
    paste += " box.value = ''; box.focus(); box.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }"
    box.evaluate(paste)
    expect(box).to_have_value("**Rest** well")
    press(page, "button[value=back]")
    first, second = page.locator("[data-lesson]").all()
    with page.expect_event("load"):
        second.drag_to(first, target_position={"x": 20, "y": 2})
    expect(page.locator("[data-lesson]").first).to_have_attribute("data-lesson", "second")
    page.fill("[data-lesson=second] input[name=place]", "2")
    press(page, "[data-lesson=second] button")
    expect(page.locator("[data-lesson]").first).to_have_attribute("data-lesson", "first")
