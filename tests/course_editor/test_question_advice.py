"""Files and drafts whose questions can be guessed are told so, and can be published all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.support.builders import COURSE, LESSONS

from rugcourse.bootstrap import Runtime
from rugcourse.content import Course, KnowledgeTest, load_course
from rugcourse.course_editor import course_edits
from rugcourse.course_editor.course_draft import CourseDraft, load
from rugcourse.course_editor.course_edits import PartEdit
from rugcourse.course_editor.parts import CoursePart
from rugcourse.course_editor.question_advice import advice, guessable


def cued(test: KnowledgeTest) -> KnowledgeTest:
    """The same test with the right option first and longest."""
    questions = []
    for question in test.questions:
        options = sorted(question.options, key=lambda one: not one.right)
        longest = options[0].model_copy(update={"text": "x" * 100})
        questions.append(question.model_copy(update={"options": (longest, *options[1:])}))
    return test.model_copy(update={"questions": tuple(questions)})


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return load_course(Path(shutil.copytree(LESSONS / COURSE, tmp_path / COURSE)))


def test_the_shipped_courses_get_no_advice(course: Course, tmp_path: Path) -> None:
    assert guessable(course, tmp_path) == []


def test_a_cued_test_is_told_with_its_file_the_rule_and_what_it_would_score(course: Course, tmp_path: Path) -> None:
    tests = {**course.tests, "nl": cued(course.tests["nl"])}
    found = guessable(course.model_copy(update={"tests": tests}), tmp_path)
    assert {one.file for one in found} == {tmp_path / "test.nl.md"}
    said = [one.message for one in found]
    for choice in ("the longest option", "the first option"):
        expected = (
            f"who always chooses {choice} gets 8.0 of 8 questions right without knowing anything (by chance: 2.7)"
        )
        assert expected in said


def test_the_questions_of_all_lessons_are_looked_at_together(course: Course, tmp_path: Path) -> None:
    lessons = [
        lesson.model_copy(
            update={
                "texts": {
                    language: text.model_copy(
                        update={
                            "quiz": tuple(
                                one.model_copy(
                                    update={"options": tuple(sorted(one.options, key=lambda option: not option.right))}
                                )
                                for one in text.quiz
                            )
                        }
                    )
                    for language, text in lesson.texts.items()
                }
            }
        )
        for lesson in course.lessons
    ]
    found = guessable(course.model_copy(update={"lessons": tuple(lessons)}), tmp_path)
    assert [one.file.name for one in found] == ["01-welkom.en.md", "01-welkom.nl.md"]
    assert all(one.message.startswith("in all lessons together, who always chooses the first option") for one in found)


def drafted(runtime: Runtime, **typed: str) -> CourseDraft:
    """The shipped course with changes to its test, not published."""
    with runtime.database.write() as session:
        draft = load(session, runtime.course_cache, COURSE)
        fields = {**draft.fields(CoursePart.TEST), **{name.replace("__", "."): text for name, text in typed.items()}}
        seen = draft.parts[CoursePart.TEST].saved if CoursePart.TEST in draft.parts else 0
        course_edits.save_part(session, runtime.clock.now(), draft, CoursePart.TEST, PartEdit(fields, seen), None)
        return load(session, runtime.course_cache, COURSE)


def test_a_draft_of_a_test_is_told_before_it_is_published(runtime: Runtime) -> None:
    assert advice(drafted(runtime), "nl") == []
    found = advice(drafted_with_the_right_option_first(runtime), "nl")
    first = next(one.finding for one in found if one.finding.values["rule"] == "first")
    assert {one.place for one in found} == {CoursePart.TEST}
    assert (first.is_error, first.values["score"], first.values["questions"]) == (False, 8.0, 8)


def drafted_with_the_right_option_first(runtime: Runtime) -> CourseDraft:
    return drafted(runtime, **{f"questions__{number}__right": "0" for number in range(8)})


def test_a_test_that_is_not_finished_gets_no_advice_yet(runtime: Runtime) -> None:
    assert advice(drafted(runtime, nl__questions__0__question="", nl__title=""), "nl") == []
