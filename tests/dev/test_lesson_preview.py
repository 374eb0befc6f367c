"""A lesson that is rendered to files shows its pictures without a website."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.builders import COURSE, LESSONS, make_settings

from rugcourse.content import load_courses
from rugcourse.content.picture_search import pictures_in
from rugcourse.dev import lesson_preview
from rugcourse.dev.lesson_preview import PreviewNotFound, render_lesson
from rugcourse.pictures.reference import digest_of


@pytest.fixture(autouse=True)
def _without_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_preview, "find_browser", lambda: None)


def test_a_page_shows_its_pictures_from_beside_it(tmp_path: Path) -> None:
    courses, settings, out = load_courses(LESSONS), make_settings(tmp_path), tmp_path / "out"
    files = render_lesson(settings, courses, "overbelasting", "nl", out, LESSONS)
    course = next(one for one in courses if one.slug == COURSE)
    lesson = course.lesson("overbelasting")
    assert lesson is not None
    expected = pictures_in(lesson.texts["nl"].body)
    assert expected
    assert {file.name for file in files if file.parent.name == "pictures"} == {ref.file_name for ref in expected}
    page = (out / "overbelasting.nl.html").read_text(encoding="utf-8")
    for ref in expected:
        assert f'src="{ref.address}"' in page
        assert digest_of((out / ref.address).read_bytes()) == ref.digest
    assert not re.search(rf'(?:src|srcset)="{settings.base_url}/pictures/', page)
    assert f"{settings.base_url}/pictures/" in (out / "overbelasting.nl.eml").read_text(encoding="utf-8").replace(
        "=\n", ""
    )


def test_a_lesson_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(PreviewNotFound, match="overbelasting"):
        render_lesson(make_settings(tmp_path), load_courses(LESSONS), "nothing", None, tmp_path, LESSONS)
