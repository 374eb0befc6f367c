"""A lesson names its own place and other lessons by tags, and is right wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.builders import shipped_courses

from rugcourse.content.consistency import find_inconsistencies, stem_of
from rugcourse.content.lesson_tags import LessonPlace, filled, place_words, unknown_lessons, without_lesson_tags
from rugcourse.content.markdown import count_words, to_html
from rugcourse.content.model import LessonText

COURSE = shipped_courses()[0]
LESSON = COURSE.lessons[3].texts["en"]


def place(number: int) -> LessonPlace:
    return LessonPlace(number, COURSE, "en", lambda slug: f"https://c.example/{slug}")


def with_(**texts: str) -> LessonText:
    return LessonText.model_validate({**LESSON.model_dump(), **texts})


def test_number_and_total_are_those_of_the_place() -> None:
    text = with_(subject="Lesson {{ number }} of {{total}}", today="Step {{ number }}", body="This is {{ number }}.")
    for number in (1, 7):
        shown = filled(text, place(number))
        assert (shown.subject, shown.today, shown.body) == (
            f"Lesson {number} of 9",
            f"Step {number}",
            f"This is {number}.",
        )


def test_a_reference_is_a_link_with_the_title_of_the_lesson() -> None:
    shown = filled(with_(body="Read {{ lesson:stress }}."), place(1))
    html = to_html(shown.body, {}, {})
    lesson = COURSE.lesson("stress")
    assert lesson is not None
    assert html == f'<p>Read <a href="https://c.example/stress">{lesson.texts["en"].title}</a>.</p>\n'


def test_the_title_of_another_lesson_is_text_and_no_markup() -> None:
    title = "a](https://evil.example) <b> *x* `y` {{ first_name }}"
    lessons = tuple(
        one.model_copy(update={"texts": {"en": LESSON.model_copy(update={"title": title})}}) if one.number == 1 else one
        for one in COURSE.lessons
    )
    course = COURSE.model_copy(update={"lessons": lessons})
    here = LessonPlace(2, course, "en", lambda _slug: "https://c.example/x")
    shown = filled(with_(body="Read {{ lesson:welkom }}."), here)
    html = to_html(shown.body, {}, {"first_name": "Sam"})
    assert 'href="https://evil.example"' not in html
    assert "<b>" not in html
    assert "<em>" not in html
    assert html.count("<a ") == 1


def test_a_lesson_that_is_gone_is_named_without_a_link() -> None:
    assert filled(with_(body="Read {{ lesson:old-one }}."), place(1)).body == "Read old one."


def test_the_length_of_a_subject_is_that_which_readers_see() -> None:
    assert with_(subject="Lesson {{ number }}: " + "x" * 38).subject
    with pytest.raises(ValidationError):
        with_(subject="Lesson {{ number }}: " + "x" * 45)


def test_a_reference_to_no_lesson_is_an_error_with_its_line() -> None:
    body = "One.\n\nRead {{ lesson:nothing }}."
    assert list(unknown_lessons(body, {"stress"})) == [(2, "nothing")]
    lessons = {stem_of(one.number, one.slug): dict(one.texts) for one in COURSE.lessons}
    lessons["04-stress"]["en"] = with_(body=body)
    found = find_inconsistencies(COURSE.texts, COURSE.tests, COURSE.safety_notices, lessons)
    assert [(one.kind, one.field, one.place.stem) for one in found] == [("no-lesson", ("body", 2), "04-stress")]


def test_tags_count_as_the_words_that_they_become() -> None:
    assert count_words("This is {{ number }}, see {{ lesson:stress }}.") == 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("In les 6 lees je meer.", ["les 6"]),
        ("Lesson 6 tells you.", ["Lesson 6"]),
        ("Gisteren ging het over rust.", ["Gisteren"]),
        ("Morgen lees je meer.", ["Morgen"]),
        ("Elke morgen doe je dit.", []),
        ("You will read it tomorrow.", ["tomorrow"]),
        ("Les {{ number }} van {{ total }}", []),
        ("In de volgende les.", []),
    ],
)
def test_words_that_are_wrong_once_a_lesson_is_moved_are_found(text: str, found: list[str]) -> None:
    assert list(place_words(text)) == found


@given(st.text(alphabet="{} lesonumbrta:-[]()*\n", max_size=80))
def test_any_text_can_be_filled_and_no_known_tag_is_left(text: str) -> None:
    lesson = LESSON.model_copy(update={"body": text, "subject": text.replace("\n", " ")})
    shown = filled(lesson, place(3))
    assert "{{ number }}" not in shown.body
    assert without_lesson_tags(without_lesson_tags(text)) is not None
