"""A course that is made in the admin pages: its forms, sent as a browser would."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient
from tests.support.admin_pages import post

MADE = "/admin/courses/better-sleep"
PAGE = {
    "en.title": "Better sleep",
    "en.tagline": "Two lessons about sleep.",
    "en.body": "What sleep **does**.",
    "en.summary": "Why you sleep\nWhat helps",
}


def lesson_form(title: str, number: int) -> dict[str, str]:
    return {
        "en.title": title,
        "en.subject": title,
        "en.preheader": "Today",
        "en.body": "Sleep is rest.",
        "en.highlight": "Sleep comes by itself.",
        "en.today": "Go to bed in time.",
        "en.quiz.0.question": f"What helps {number}?",
        **{f"en.quiz.0.options.{n}.{name}": f"{name} {n}" for n in range(3) for name in ("text", "why")},
        "quiz.0.right": "1",
    }


def revision_on(page: str) -> str:
    found = re.search(r'name="saved" value="(\d+)"', page)
    assert found
    return found[1]


def order(browser: TestClient, **fields: str) -> str:
    """Send the order of the lessons from the page as it is now."""
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(MADE).text)
    assert seen
    return post(browser, f"{MADE}/order", **{"seen": seen[1], **fields})


def publish_form(browser: TestClient) -> dict[str, str]:
    page = browser.get(MADE).text
    form = page.partition(f'action="{MADE}/publish"')[2].partition("</form>")[0]
    assert form, "there is nothing to publish"
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))


def publish(browser: TestClient, **changed: str) -> str:
    form = {**publish_form(browser), **changed}
    answer = browser.post(f"{MADE}/publish", data=form)
    return answer.headers["location"] if answer.status_code == 303 else answer.text


def write_lesson(browser: TestClient, where: str, title: str, number: int) -> None:
    form = lesson_form(title, number) | {"saved": revision_on(browser.get(where).text)}
    assert post(browser, where, **form, action="save").endswith("done=saved")
