"""The steps of docs/own-course.md, from a Word file to the first lesson, by keyboard alone; and its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.keyboard import choose_file, go, tab_to, write
from tests.e2e.admin.pages import become_owner
from tests.e2e.reader import WORDS, confirm, sign_up
from tests.e2e.site import Site
from tests.support.articles import docx, heading, paragraph
from tests.support.builders import COURSE
from tests.support.doc_pictures import take_picture

CHAPTERS = {
    "Why do you sleep?": (
        "While you sleep, your brain clears away what it does not need. Muscles and skin recover as well.",
        "Your memory sorts the day. What you learned in the evening you often know better in the morning.",
        "Most people need seven to nine hours. Some need less, and feel well all day.",
    ),
    "What keeps you awake?": (
        "Bright light in the evening tells your brain that it is still day. A screen close to your eyes is bright.",
        "Coffee works for about six hours, so part of a cup after lunch is still there at night.",
        "Worries come when it is quiet at last. That happens to everybody now and then.",
    ),
    "What can you do?": (
        "Get up at the same time each day, also after a bad night. So you are sleepy in time in the evening.",
        "Go outside in the morning. Light at that hour moves your night forward.",
        "If you lie awake for long, get up and read something dull. Go back to bed when you are sleepy.",
    ),
}
ANSWERS = (
    ("Yes", "You can sleep well with less."),
    ("No", "Right: what you need differs."),
    ("Only at night", "Not so."),
)


def article(folder: Path) -> Path:
    parts = [
        heading("Sleeping better", 1),
        paragraph(
            "Sleep is not a luxury. It repairs the body and the mind. Who sleeps badly for weeks is tired, forgets more "
            "and is sooner angry. The good news: most people can do something about it."
        ),
    ]
    for title, sentences in CHAPTERS.items():
        parts += [heading(title, 2), *map(paragraph, sentences)]
    file = folder / "sleep.docx"
    file.write_bytes(docx(*parts))
    return file


def write_lesson(page: Page, number: int) -> None:
    write(page, "en.subject", "Lesson {{ number }} of {{ total }}: sleeping better")
    write(page, "en.preheader", "Two minutes about sleep")
    write(page, "en.highlight", "Sleep comes by itself, if you give it the chance.")
    write(page, "en.today", "Choose a time to get up, and set your alarm clock.")
    tab_to(page, "[name='en.quiz.0.question']")
    page.keyboard.insert_text(f"Does everybody need eight hours ({number})?")
    tab_to(page, "[name='quiz.0.right']")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[name='quiz.0.right'][value='1']")).to_be_checked()
    page.keyboard.press("Shift+Tab")
    for place, (text, why) in enumerate(ANSWERS):
        write(page, f"en.quiz.0.options.{place}.text", text)
        write(page, f"en.quiz.0.options.{place}.why", why)


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_a_course_is_made_from_a_word_file_by_keyboard_alone(page: Page, site: Site, tmp_path: Path) -> None:
    become_owner(page, site)
    go(page, "nav a[href='/admin/lessons']")
    go(page, "a[href='/admin/new-course']")
    go(page, "a[href='/admin/new-course/article']")
    take_picture(page, "article")
    choose_file(page, "file", article(tmp_path))
    go(page, "form.form button.button")
    expect(page.locator("h2[id^=l]")).to_have_count(4)
    take_picture(page, "cuts")
    go(page, "button[value^='merge']")  # the first chapter joins the introduction
    expect(page.locator("h2[id^=l]")).to_have_count(3)
    go(page, "[data-cut] button[value^='move']")
    go(page, "button[value=make]")
    expect(page.locator("[data-lesson]")).to_have_count(3)
    take_picture(page, "missing", "main section:has(> ul.findings, > h3) h2")
    write_all(page)
    publish(page, site)
    site.clock.advance(hours=3)
    site.deliver()
    site.open_mail(page, "Lesson 1 of 2")
    expect(page.locator("body")).to_contain_text("Sleep is not a luxury.")
    take_picture(page, "mail", "body")


def write_all(page: Page) -> None:
    """Write the course page and two lessons, and leave the third one for later."""
    for number in (1, 2):
        go(page, f"[data-lesson]:nth-child({number}) .order-title a")
        write_lesson(page, number)
        if number == 1:
            take_picture(page, "lesson", ".beside")
        go(page, "button[value=save]")
        go(page, "main p a[href^='/admin/courses/']")
    go(page, "main a[href$='/parts/page']")
    write(page, "en.tagline", "Short lessons about sleep, and what you can do for it.")
    write(page, "en.body", "You lie awake, and the night is long. In this course you learn what helps.")
    write(page, "en.summary", "Why you sleep\nWhat keeps you awake\nWhat you can do")
    expect(page.locator("#autosaved")).to_have_text("Saved")
    take_picture(page, "course-page")
    go(page, "button[value=back]")
    go(page, "button[name=left_out]")


def publish(page: Page, site: Site) -> None:
    tab_to(page, "form[action$='/publish'] button.button")
    take_picture(page, "publish", "#lessons h2")
    go(page, "form[action$='/publish'] button.button")
    expect(page.locator(".saved")).to_be_visible()
    sign_up(page, site, "en", "sleeping-better")
    confirm(page, site, WORDS["en"])


@pytest.mark.parametrize("page", ["nl-NL"], indirect=True)
@pytest.mark.parametrize(
    "path",
    [
        f"/admin/courses/{COURSE}",
        f"/admin/courses/{COURSE}/parts/test",
        f"/admin/courses/{COURSE}/parts/notice",
        f"/admin/courses/{COURSE}/preview/page",
        f"/admin/courses/{COURSE}/preview/lesson?lesson=stress",
        f"/admin/courses/{COURSE}/preview/test",
        f"/admin/courses/{COURSE}/preview/notice",
        "/admin/new-course/pack",
    ],
)
def test_forms_and_previews_of_a_course_are_good_for_everybody(page: Page, site: Site, path: str) -> None:
    become_owner(page, site)
    page.goto(path)
    page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
    assert_good_for_everybody(page)


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_a_file_that_is_too_large_is_told_before_it_is_sent_and_after(page: Page, site: Site, tmp_path: Path) -> None:
    become_owner(page, site)
    page.goto("/admin/new-course/article")
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(52_000_000)
    page.set_input_files("input[name=file]", large)
    told = "element => element.validationMessage"
    assert page.locator("input[name=file]").evaluate(told) == "This file is too large: at most 50 MB."
    page.locator("input[name=file]").evaluate("element => element.setCustomValidity('')")  # as without script
    page.click("form.form button.button")
    expect(page.locator("h1")).to_have_text("Too large")
    expect(page.locator("main")).to_contain_text("larger than 50 MB")
    assert_good_for_everybody(page)
