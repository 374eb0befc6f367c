"""Courses in the database: as they went in, with one version per edit, in any order."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from tests.support.builders import COURSE, LESSONS, MORNING, enrolment_of, make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.content import Course, load_course
from rugcourse.db.engine import Database
from rugcourse.db.models import EnrolmentRow, LessonVersionRow
from rugcourse.db.queries import course_publishing, courses


def reordered(course: Course, *slugs: str) -> Course:
    lessons = [lesson for slug in slugs if (lesson := course.lesson(slug)) is not None]
    numbered = [lesson.model_copy(update={"number": number}) for number, lesson in enumerate(lessons, 1)]
    return course.model_copy(update={"lessons": tuple(numbered)})


def test_a_course_comes_out_of_the_store_as_it_went_in(database: Database) -> None:
    course = load_course(LESSONS / COURSE)
    with database.write() as session:
        changed = course_publishing.save_course(session, course, MORNING)
    with database.read() as session:
        found = courses.load_course(session, COURSE)
    assert found is not None
    assert found.course == course
    assert list(found.course.tests["nl"].topics) == list(course.tests["nl"].topics)
    assert changed == [lesson.slug for lesson in course.lessons]


def test_publishing_the_same_again_adds_nothing_and_an_edit_adds_one_version(database: Database) -> None:
    course = load_course(LESSONS / COURSE)
    first = course.lessons[0]
    text = first.texts["nl"].model_copy(update={"highlight": "Iets anders."})
    edited_lesson = first.model_copy(update={"texts": {**first.texts, "nl": text}})
    edited = course.model_copy(update={"lessons": (edited_lesson, *course.lessons[1:])})
    with database.write() as session:
        course_publishing.save_course(session, course, MORNING)
    with database.write() as session:
        assert course_publishing.save_course(session, course, MORNING) == []
        assert course_publishing.save_course(session, edited, MORNING) == ["welkom"]
        assert session.scalar(select(func.count()).select_from(LessonVersionRow)) == 10


@pytest.mark.parametrize(
    ("slugs", "at", "expected"),
    [
        (["overbelasting", "stress"], 4, 2),  # stress was fourth and is second now
        (["welkom", "stress"], 2, 2),  # the next one is gone: on with the first behind it that is left
        (["afronding", "welkom"], 9, 1),
        (["welkom"], 5, 2),  # nothing is left for them
    ],
)
def test_readers_go_on_with_the_same_lesson_when_a_course_is_put_in_another_order(
    runtime: Runtime, slugs: list[str], at: int, expected: int
) -> None:
    email = make_reader(runtime)
    course = load_course(LESSONS / COURSE)
    with runtime.database.write() as session:
        session.get_one(EnrolmentRow, enrolment_of(runtime, email).id).next_position = at
    with runtime.database.write() as session:
        course_publishing.save_course(session, reordered(course, *slugs), MORNING)
    assert enrolment_of(runtime, email).next_position == expected
