"""What an editor can type wrong: each mistake is found at its field, and nothing that is right is called wrong."""

from __future__ import annotations

import pytest
from tests.support.builders import COURSE, LESSONS

from rugcourse.content import Course, FurtherReading, load_course
from rugcourse.content.readability import reading_ease
from rugcourse.course_editor.form_fields import clean, fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import check, measure

SLUG = "overbelasting"


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(LESSONS / COURSE)


def lesson_draft(course: Course, **typed: str) -> LessonDraft:
    lesson = course.lesson(SLUG)
    assert lesson is not None
    fields = {**fields_of(lesson), **{name.replace("__", "."): text for name, text in typed.items()}}
    return LessonDraft(course, SLUG, lesson.number, clean(fields, course.languages))


def test_every_shipped_lesson_goes_through_a_form_unchanged_and_is_right(course: Course) -> None:
    for lesson in course.lessons:
        typed = LessonDraft(course, lesson.slug, lesson.number, clean(fields_of(lesson), course.languages))
        assert typed.lesson() == lesson
        assert check(typed) == []


@pytest.mark.parametrize(
    ("typed", "kind", "where"),
    [
        ({"nl__title": ""}, "missing", "nl.title"),
        ({"nl__subject": "x" * 51}, "too-long", "nl.subject"),
        ({"nl__preheader": "x" * 91}, "too-long", "nl.preheader"),
        ({"en__subject": "Now!"}, "exclamation", "en.subject"),
        ({"en__subject": "Now 😀"}, "symbol", "en.subject"),
        ({"nl__body": "Dag {{ secret_keys }}"}, "tag", "nl.body"),
        ({"nl__body": "{{ ''.__class__.__mro__ }}"}, "tag", "nl.body"),
        ({"nl__body": "{% for x in range(10**9) %}"}, "tag", "nl.body"),
        ({"nl__body": "[hier](/elders)"}, "link", "nl.body"),
        ({"nl__body": "[hier](https://a.example/{{ first_name }})"}, "tag", "nl.body"),
        ({"nl__body": "[hier](<https://a.example/{{ practice }}>)"}, "tag", "nl.body"),
        ({"nl__body": "<https://a.example/{{ practice }}>"}, "tag", "nl.body"),
        ({"nl__body": "[hier][a]\n\n[a]: https://a.example/{{ practice }}"}, "tag", "nl.body"),
        ({"nl__body": "[hier](example.org)"}, "link", "nl.body"),
        ({"nl__body": "![Een rug](https://example.org/rug.png)"}, "picture", "nl.body"),
        ({"en__body": "See ![A back][1].\n\n[1]: https://example.org/back.png"}, "picture", "en.body"),
        ({"nl__body": "Kijk <video src='x.mp4'></video>"}, "html", "nl.body"),
        ({"nl__further__0__link": "javascript:alert(1)"}, "address", "nl.further.0.link"),
        ({"quiz__0__right": ""}, "no-right", "en.quiz.0.question"),
        ({"quiz__1__right": "3"}, "no-right", "en.quiz.1.question"),
        ({"nl__quiz__0__options__1__why": ""}, "missing", "nl.quiz.0.options.1.why"),
        ({"nl__quiz__0__options__3__text": "Nog een"}, "missing", "nl.quiz.0.options.3.why"),
        ({"nl__body": "Zie {{ safety_notice }}"}, "tag", "nl.body"),
        ({"quiz__0__id": "welkom-oorzaken"}, "twice", "en.quiz.0.id"),
        ({f"nl__{name}": "" for name in ("title", "subject")}, "missing", "nl.subject"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_field(course: Course, typed: dict[str, str], kind: str, where: str) -> None:
    if kind == "twice":
        typed = {"quiz__0__id": course.lessons[0].texts["nl"].quiz[0].id}
    found = check(lesson_draft(course, **typed))
    assert (kind, where) in {(one.kind, one.where) for one in found if one.is_error}


def test_characters_that_nobody_sees_are_left_out_of_what_is_typed(course: Course) -> None:
    """They come along when text is pasted; a file that holds one is refused with its line."""
    typed = lesson_draft(course, en__title="one\ue000 two\x00", en__body="first\x0b\n\nsec\u2028ond")
    assert (typed.fields["en.title"], typed.fields["en.body"]) == ("one two", "first\n\nsecond")


def test_the_safety_notice_may_stand_in_a_lesson_of_a_course_that_has_some(course: Course) -> None:
    body = "De kat zit op de mat. " * 50 + "\n\n{{ safety_notice }}"
    typed = lesson_draft(course, nl__body=body)
    assert check(typed) == []
    assert measure(typed, "nl").words == 300
    bare = {one: notice.model_copy(update={"levels": ()}) for one, notice in course.safety_notices.items()}
    without = course.model_copy(update={"safety_notices": bare, "lessons": course.lessons[:5]})
    found = check(LessonDraft(without, SLUG, 2, typed.fields))
    assert ("no-notice", "nl.body") in {(one.kind, one.where) for one in found if one.is_error}


def test_linter_reports_each_kind_of_mistake_in_a_text_with_its_line(course: Course) -> None:
    body = "Eerst\n\n![A](x.png) en ![B](y.png)\n\n<b>vet</b> [hier](/elders)"
    found = [one for one in check(lesson_draft(course, nl__body=body)) if one.is_error]
    assert [(one.kind, one.values.get("line"), one.values["text"]) for one in found] == [
        ("picture", 3, "![A](x.png)"),
        ("html", 5, "<b>"),
        ("link", None, "/elders"),
    ]


def test_an_option_that_is_emptied_everywhere_is_left_out_and_the_right_one_stays_right(course: Course) -> None:
    emptied = {f"{code}__quiz__0__options__0__{name}": "" for code in ("nl", "en") for name in ("text", "why")}
    fourth = {f"{code}__quiz__0__options__3__{name}": "More" for code in ("nl", "en") for name in ("text", "why")}
    typed = lesson_draft(course, **emptied, **fourth)
    assert check(typed) == []
    question = typed.lesson().texts["nl"].quiz[0]
    before = course.lessons[1].texts["nl"].quiz[0]
    assert question.options[question.right_option] == before.options[before.right_option]
    assert any(one.kind == "few-options" for one in check(lesson_draft(course, **emptied)))


def test_a_language_of_which_nothing_is_typed_is_missing(course: Course) -> None:
    nothing = {name.replace(".", "__"): "" for name in lesson_draft(course).fields if name.startswith("en.")}
    found = check(lesson_draft(course, **nothing))
    assert [(one.kind, one.where) for one in found] == [("no-translation", "en.title")]


def test_lines_are_made_one_line_and_advice_does_not_stand_in_the_way(course: Course) -> None:
    typed = lesson_draft(course, nl__subject="Les\r\nBcc: all@x.example", nl__body="Kort. [Meer](http://example.org/)")
    assert typed.fields["nl.subject"] == "Les Bcc: all@x.example"
    found = check(typed)
    assert {one.kind for one in found} == {"few-words", "not-encrypted"}
    assert not any(one.is_error for one in found)
    assert 0 < measure(typed, "nl").words < 10


def test_lenient_lesson_can_be_made_from_a_form_with_mistakes(course: Course) -> None:
    lenient_lesson = lesson_draft(course, nl__title="", nl__subject="x" * 80).lenient_lesson("nl")
    assert lenient_lesson.texts["nl"].title == "…"
    assert LessonDraft(course, "new", 4, {}).lenient_lesson("en").texts["en"].quiz == ()


def test_short_sentences_of_short_words_read_more_easily() -> None:
    easy = "De kat zit op de mat. Ik zie de kat. De zon is warm. " * 4
    hard = "Biomechanische overbelastingsverschijnselen veroorzaken multifactoriële musculoskeletale aandoeningen " * 6
    found = [reading_ease(text, "nl") for text in (easy, hard)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] > 80
    assert found[1] < 30
    assert reading_ease("Te kort.", "nl") is None
    assert reading_ease(easy, "fr") is None


def test_a_lesson_with_many_readings_keeps_all_of_them_in_its_form(course: Course) -> None:
    lesson = course.lessons[0]
    many = tuple(FurtherReading(title=f"T{number}", summary="S") for number in range(12))
    texts = {code: text.model_copy(update={"further": many}) for code, text in lesson.texts.items()}
    fields = fields_of(lesson.model_copy(update={"texts": texts}))
    again = LessonDraft(course, lesson.slug, 1, clean(fields, course.languages)).lesson()
    assert again.texts["nl"].further == many


@pytest.mark.parametrize("length", [57, 58, 59, 60])
def test_a_lesson_with_a_long_slug_has_question_ids_that_can_be_published(course: Course, length: int) -> None:
    fields = {name: text for name, text in lesson_draft(course).fields.items() if not name.endswith(".id")}
    long = LessonDraft(course, ("a" * 57 + "-bc")[:length].rstrip("-"), 3, fields)
    assert [one for one in check(long) if one.is_error] == []
    first, second = (question.id for question in long.lesson().texts["nl"].quiz)
    assert first != second


def test_a_space_that_is_not_to_be_broken_stays_and_accents_have_one_way_to_be_written(course: Course) -> None:
    typed = lesson_draft(course, nl__title="10\u00a0000  stappen\tvooru\u0308it")
    assert typed.fields["nl.title"] == "10\u00a0000 stappen voor\u00fcit"
