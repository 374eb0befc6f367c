"""The parts of a course as forms: what is shown is what was published, and what is typed is what is published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import shipped_courses

from rugcourse.course_editor.part_fields import MODELS, clean, fields_of, kept_rows, language_document
from rugcourse.course_editor.parts import FORMS, PAGE, TEST, CoursePart, RowGroup

LANGUAGES = ("en", "nl")


def texts_of(part: CoursePart) -> list[dict[str, object]]:
    return [
        dict(
            {CoursePart.PAGE: course.texts, CoursePart.TEST: course.tests, CoursePart.NOTICE: course.safety_notices}[
                part
            ]
        )
        for course in shipped_courses()
    ]


@pytest.mark.parametrize("part", FORMS)
@pytest.mark.parametrize("number", [0, 1])
def test_a_form_that_is_sent_unchanged_changes_nothing(part: CoursePart, number: int) -> None:
    course = shipped_courses()[number]
    texts = texts_of(part)[number]
    fields = fields_of(part, texts, [one.slug for one in course.lessons])  # type: ignore[arg-type]
    sent = clean({name: text.replace("\n", "\r\n") for name, text in fields.items()}, FORMS[part], LANGUAGES)
    assert sent == fields
    for language in LANGUAGES:
        document = language_document(FORMS[part], sent, language, LANGUAGES)
        assert MODELS[part].model_validate(document) == texts[language]


def test_a_language_without_a_word_has_no_document() -> None:
    fields = clean({"nl.title": "Slaap", "sample": "een", "de.title": " \t"}, PAGE, ("nl", "de"))
    assert language_document(PAGE, fields, "de", ("nl", "de")) is None
    assert language_document(PAGE, fields, "nl", ("nl", "de")) is not None


def test_an_empty_row_closes_up_in_all_languages_and_takes_its_choices_along() -> None:
    typed = {
        "nl.questions.0.question": "Een",
        "questions.0.right": "1",
        "questions.1.right": "2",  # nothing was typed in this one
        "en.questions.2.question": "Three",
        "questions.2.right": "0",
        "nl.questions.2.options.1.text": "Ja",
    }
    assert clean(typed, TEST, LANGUAGES) == {
        "nl.questions.0.question": "Een",
        "questions.0.right": "1",
        "en.questions.1.question": "Three",
        "questions.1.right": "0",
        "nl.questions.1.options.1.text": "Ja",
    }


def test_a_right_answer_stays_the_right_one_where_an_earlier_one_is_left_empty() -> None:
    typed = {
        "nl.title": "Test",
        "nl.questions.0.question": "Wat?",
        "questions.0.right": "2",
        "nl.questions.0.options.0.text": "A",
        "nl.questions.0.options.2.text": "C",
    }
    document = language_document(TEST, clean(typed, TEST, ("nl",)), "nl", ("nl",))
    assert document is not None
    assert [(one["text"], one["right"]) for one in document["questions"][0]["options"]] == [
        ("A", False),
        ("", False),
        ("C", True),
    ]


def test_questions_keep_their_topic_where_an_earlier_topic_is_emptied() -> None:
    typed = {
        "nl.title": "Test",
        "topics.0.lesson": "",
        "topics.1.lesson": "slaap",
        "nl.topics.1.name": "Slaap",
        "nl.questions.0.question": "Wat?",
        "questions.0.topic": "1",
    }
    document = language_document(TEST, clean(typed, TEST, ("nl",)), "nl", ("nl",))
    assert document is not None
    assert document["topics"] == {"slaap": "Slaap"}
    assert document["questions"][0]["topic"] == "slaap"


@given(
    st.sampled_from(list(FORMS)),
    st.dictionaries(st.from_regex(r"[a-z0-9.]{1,40}", fullmatch=True), st.text(max_size=50)),
)
def test_whatever_is_sent_gives_known_fields_and_cleaning_twice_changes_nothing(
    part: CoursePart, typed: dict[str, str]
) -> None:
    form = FORMS[part]
    names = [name for name, _ in zip(_all_names(form), range(400), strict=False)]
    typed |= dict(zip(names, typed.values(), strict=False))
    once = clean(typed, form, LANGUAGES)
    assert clean(once, form, LANGUAGES) == once
    for language in LANGUAGES:
        language_document(form, once, language, LANGUAGES)
    for item in form.fields:
        if isinstance(item, RowGroup) and item.name != "topics":
            kept = kept_rows(once, item, "", LANGUAGES)
            assert kept == list(range(len(kept)))


def _all_names(form: object) -> list[str]:
    from rugcourse.course_editor.parts import Form, names_of

    assert isinstance(form, Form)
    return [name for name, _ in names_of(form, LANGUAGES)]
