"""What is written to a file is what is read from it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.support.builders import COURSE, LESSONS

from rugcourse.content import load_course
from rugcourse.content.front_matter import read_document
from rugcourse.content.model import LessonText, Reviewer, SafetyNotice
from rugcourse.content.writer import to_file


def test_signed_safety_notice_come_back_as_they_were(tmp_path: Path) -> None:
    shipped = load_course(LESSONS / COURSE).safety_notices["en"]
    signed = shipped.model_copy(
        update={"reviewed": date(2026, 12, 1), "reviewed_by": Reviewer(name="A. Doctor", role="GP")}
    )
    file = tmp_path / "safety-notice.en.md"
    for notice in (shipped, signed):
        file.write_text(to_file(notice), encoding="utf-8")
        assert read_document(file).parse(SafetyNotice) == notice


def test_a_question_about_safety_and_the_tag_come_back_and_others_say_nothing_of_it(tmp_path: Path) -> None:
    file = tmp_path / "lesson.nl.md"
    for lesson in load_course(LESSONS / COURSE).lessons:
        text = lesson.texts["nl"]
        file.write_text(to_file(text), encoding="utf-8")
        assert read_document(file).parse(LessonText) == text
        assert ("safety:" in file.read_text(encoding="utf-8")) is any(question.safety for question in text.quiz)
