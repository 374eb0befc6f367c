"""How often lessons come is a part of the form of the course page."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of
from tests.support.builders import COURSE, course_of
from tests.support.pages import inputs

from rugcourse.bootstrap import Runtime
from rugcourse.scheduling import WEEKDAYS, Cadence

PART = f"/admin/courses/{COURSE}/parts/page"


def save(editor: TestClient, **changed: str | list[str]) -> str:
    """Save the page in English with some fields changed; returns the page of the course."""
    form = inputs(editor.get(f"{PART}?language=en").text) | form_of(editor) | {"action": "back"}
    assert editor.post(PART, data={**form, **changed}).status_code == 303
    return editor.get(f"/admin/courses/{COURSE}").text


def ticked(editor: TestClient) -> list[str]:
    return re.findall(r'name="cadence_weekdays" value="(\w+)" checked', editor.get(f"{PART}?language=nl").text)


def test_days_and_interval_are_chosen_and_published_in_all_languages(editor: TestClient, runtime: Runtime) -> None:
    assert ticked(editor) == list(WEEKDAYS)
    page = save(editor, cadence_weekdays=["monday", "thursday"], cadence_every_days="3", cadence_unanswered_days="10")
    assert ticked(editor) == ["monday", "thursday"]
    form = page.partition(f'action="/admin/courses/{COURSE}/publish"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    assert editor.post(f"/admin/courses/{COURSE}/publish", data=fields).status_code == 303
    course = course_of(runtime).course
    wanted = Cadence(weekdays=(WEEKDAYS[0], WEEKDAYS[3]), every_days=3, unanswered_days=10)
    assert [text.cadence for text in course.texts.values()] == [wanted, wanted]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cadence_every_days": "often"}, "write a whole number from 1 to 30."),
        ({"cadence_every_days": "31"}, "write a whole number from 1 to 30."),
        ({"cadence_every_days": "1.5"}, "write a whole number from 1 to 30."),
        ({"cadence_unanswered_days": "1"}, "write a whole number from 2 to 60."),
        (
            {"cadence_every_days": "7", "cadence_unanswered_days": "7"},
            "wait longer for the answer than the number of days",
        ),
        ({"cadence_weekdays": "someday"}, "choose days from the list."),
    ],
)
def test_what_can_not_be_is_named_with_its_field(editor: TestClient, changed: dict[str, str], sentence: str) -> None:
    page = save(editor, **changed)
    [field] = [name for name in changed if name != "cadence_every_days" or len(changed) == 1]
    assert re.search(rf'parts/page\?language=en#f-{field}">[^<]+</a>: {re.escape(sentence)}', page), page
    assert f'action="/admin/courses/{COURSE}/publish"' not in page
