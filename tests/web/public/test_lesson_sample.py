"""The page of a course shows what its first lesson begins with, and what readers learned where that is known."""

from __future__ import annotations

import html

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import COURSE, course_of

from rugcourse.bootstrap import Runtime
from rugcourse.db.queries import heartbeats
from rugcourse.reports.cached_stats import CachedGain, Figures
from rugcourse.web.public.lesson_sample import lesson_sample


@pytest.mark.parametrize("language", ["nl", "en"])
def test_page_shows_the_first_lesson_without_tags_or_markdown(
    browser: TestClient, runtime: Runtime, language: str
) -> None:
    course = course_of(runtime).course
    sample = lesson_sample(course, language)
    page = html.unescape(browser.get(f"/{language}/{COURSE}").text)
    for text in (sample.subject, sample.title, sample.opening, sample.question, *sample.options):
        assert text in page
    assert "{{" not in page
    assert sample.opening.removesuffix(" …") in " ".join(course.lessons[0].texts[language].body.split())
    assert f"/{language}/{COURSE}/lessons/{course.lessons[0].slug}" in page


def test_long_and_missing_parts_of_a_lesson_are_no_trouble(runtime: Runtime) -> None:
    course = course_of(runtime).course
    first = course.lessons[0]
    text = first.texts["en"].model_copy(update={"body": "**Bold** " * 90, "quiz": ()})
    changed = course.model_copy(
        update={"lessons": (first.model_copy(update={"texts": {**first.texts, "en": text}}), *course.lessons[1:])}
    )
    sample = lesson_sample(changed, "en")
    assert sample.opening.startswith("Bold Bold")
    assert len(sample.opening) < 200
    assert (sample.question, sample.options) == ("", ())


@pytest.mark.parametrize(
    ("gain", "shown"),
    [
        (CachedGain(twice=1234, before=0.512, after=0.803), True),
        (CachedGain(twice=29, before=0.5, after=0.9), False),
        (CachedGain(twice=500, before=0.8, after=0.79), False),
        (CachedGain(twice=0, before=None, after=None), False),
    ],
)
def test_page_tells_what_readers_learned_if_enough_of_them_did(
    browser: TestClient, runtime: Runtime, gain: CachedGain, shown: bool
) -> None:
    assert "1,234 readers" not in browser.get(f"/en/{COURSE}").text
    course_id = runtime.database.query(runtime.course_cache.courses)[0].id
    figures = Figures(at=runtime.clock.now(), coming={}, gains={course_id: gain})
    with runtime.database.write() as session:
        heartbeats.set_value(session, "figures", figures.model_dump_json())
    said = "got 51% right before it, and 80% after it" in browser.get(f"/en/{COURSE}").text
    assert said == shown
