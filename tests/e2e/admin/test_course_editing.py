"""What helps whoever writes a course in a browser: dragging, keys, drafts that save themselves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import assert_good_for_everybody
from tests.e2e.admin.pages import become_owner
from tests.e2e.clicks import press
from tests.e2e.site import Site


def chapter(title: str) -> str:
    return f"## {title}\n\n" + "\n\n".join(f"{title} is {word}. " * 8 for word in ("calm", "quiet", "slow"))


ARTICLE = "\n\n".join(["# Calm eating", *map(chapter, ("Taste", "Time", "Rest"))])


def starts(page: Page) -> list[str]:
    return [one.get_attribute("data-cut") or "" for one in page.locator("[data-cut]").all()]


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_the_start_of_a_lesson_is_dragged_or_moved_by_keys(page: Page, site: Site) -> None:
    become_owner(page, site)
    page.goto("/admin/new-course/article")
    page.fill("textarea[name=text]", ARTICLE)
    page.select_option("select[name=language]", "en")
    press(page, "button.button")
    assert_good_for_everybody(page)
    page.set_viewport_size({"width": 1280, "height": 1800})
    first, second = starts(page)
    heading, target = page.locator(f"[data-cut='{first}'] h2"), int(first) + 2
    with page.expect_event("load"):
        heading.drag_to(page.locator(f"#b{target}"))
    assert starts(page) == [str(target), second]
    heading, beyond = page.locator(f"[data-cut='{target}'] h2"), page.locator(f"#b{int(second) + 1}")
    heading.drag_to(beyond)  # over the start of the next lesson: nothing happens
    assert starts(page) == [str(target), second]
    page.focus(f"[data-cut='{target}'] button[value$=':{target - 1}']")
    for moved in (target - 1, target - 2):
        with page.expect_event("load"):
            page.keyboard.press("Enter")
        assert starts(page) == [str(moved), second]
        expect(page.locator(f"[data-cut='{moved}'] button:focus")).to_have_count(1)


@pytest.mark.parametrize("page", ["en-GB"], indirect=True)
def test_a_lesson_saves_itself_and_says_when_somebody_else_did(page: Page, site: Site) -> None:
    become_owner(page, site)
    page.goto("/admin/lessons/oorzaken-van-rugpijn/stress")
    page.fill("[id='f-en.title']", "Stress and rest")
    expect(page.locator("#autosaved")).to_have_text("Saved")
    other = page.context.new_page()
    other.goto("/admin/lessons/oorzaken-van-rugpijn/stress")
    expect(other.locator("[id='f-en.title']")).to_have_value("Stress and rest")
    other.fill("[id='f-en.today']", "Take a walk.")
    expect(other.locator("#autosaved")).to_have_text("Saved")
    page.fill("[id='f-en.title']", "Mine")
    expect(page.locator("#edited-meanwhile")).to_be_visible()
    other.fill("[id='f-en.today']", "Take a long walk.")
    press(other, "button[value=save]")
    expect(other.locator(".saved").first).to_be_visible()
    other.click("summary:has-text('The lesson goes back')")
    press(other, "button.danger")
    expect(other.locator(".saved").first).to_be_visible()
