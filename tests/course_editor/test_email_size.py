"""A lesson whose mail Gmail would cut off is found before it is published, in the admin pages and in files."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from tests.support.builders import COURSE, LESSONS, shipped_courses

from rugcourse.content import AuthoringErrors, Course, Lesson, load_course
from rugcourse.course_editor import email_size
from rugcourse.course_editor.email_size import check_email_sizes, email_bytes, large_emails
from rugcourse.course_editor.form_fields import clean, fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import check
from rugcourse.course_editor.messages import InvalidMessage, message_of
from rugcourse.emails.templates import ADVISED_HTML_BYTES, MAX_HTML_BYTES

LARGE, TOO_LARGE = "- a\n" * 1400, "- a\n" * 2500
WASTEFUL = [
    "- a\n", "1. **a**\n", "ж", "漢", "> a\n\n", "## a\n\n", "a\n\n", "`a` ", "*a* ", "---\n\n", "[a](https://b.cc) ",
]  # fmt: skip


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(LESSONS / COURSE)


def with_body(course: Course, body: str, slug: str = "stress") -> tuple[Course, Lesson]:
    """The course with another Dutch text in one lesson."""
    lesson = next(one for one in course.lessons if one.slug == slug)
    text = lesson.texts["nl"].model_copy(update={"body": body})
    changed = lesson.model_copy(update={"texts": {**lesson.texts, "nl": text}})
    lessons = tuple(changed if one.slug == slug else one for one in course.lessons)
    return course.model_copy(update={"lessons": lessons}), changed


def test_no_shipped_lesson_comes_near_to_the_limit() -> None:
    with patch.object(email_size, "_at_most", return_value=MAX_HTML_BYTES):
        sizes = [email_bytes(one, lesson, "nl") for one in shipped_courses() for lesson in one.lessons]
    assert min(sizes) > 20_000
    assert max(sizes) < 60_000


@pytest.mark.parametrize("piece", WASTEFUL)
def test_a_lesson_that_is_not_rendered_would_not_have_been_too_large(course: Course, piece: str) -> None:
    """The estimate that saves the rendering is never too low, for whatever takes most bytes for a character."""
    changed, lesson = with_body(course, piece * (4000 // len(piece)))
    estimate = email_size._at_most(changed, lesson, "nl")
    with patch.object(email_size, "_at_most", return_value=MAX_HTML_BYTES):
        assert 0 < email_bytes(changed, lesson, "nl") < estimate
        of_notice = with_body(course, "a\n\n{{ safety_notice }}")
        size = email_bytes(*of_notice, "nl")
    assert size < email_size._at_most(*of_notice, "nl")


def test_the_editor_is_told_of_a_mail_that_gmail_cuts_off_and_warned_before(course: Course) -> None:
    def findings(body: str) -> list[tuple[str, str, bool]]:
        _, lesson = with_body(course, body)
        typed = LessonDraft(course, lesson.slug, lesson.number, clean(fields_of(lesson), course.languages))
        return [(one.kind, one.where, one.is_error) for one in check(typed) if one.kind.startswith("email")]

    assert findings("Short.") == []
    assert findings(LARGE) == [("email-large", "nl.body", False)]
    assert findings(TOO_LARGE) == [("email-too-large", "nl.body", True)]


def test_a_course_in_files_is_refused_with_the_file_of_the_lesson(course: Course) -> None:
    check_email_sizes(course)
    large, _ = with_body(course, LARGE)
    check_email_sizes(large)
    [advice] = large_emails(large, Path("lessons"))
    assert advice.file == Path("lessons/04-stress.nl.md")
    assert f"over {MAX_HTML_BYTES // 1000} kB" in advice.message
    too_large, lesson = with_body(course, TOO_LARGE)
    assert email_bytes(too_large, lesson, "nl") > MAX_HTML_BYTES > ADVISED_HTML_BYTES
    with pytest.raises(AuthoringErrors, match=r"04-stress\.nl\.md:1: its email has 1\d\d kB"):
        check_email_sizes(too_large)
    assert large_emails(too_large, Path("lessons")) == []


def test_a_message_that_gmail_cuts_off_is_refused_at_its_text() -> None:
    typed = {"en.title": "Closed", "en.subject": "Closed on Friday", "en.preheader": "Back on Monday", "en.body": LARGE}
    assert list(message_of(typed, ["en"]).texts) == ["en"]
    with pytest.raises(InvalidMessage) as refused:
        message_of({**typed, "en.body": 2 * TOO_LARGE}, ["en"])
    assert [(one.kind, one.where) for one in refused.value.findings] == [("message-too-large", "en.body")]
