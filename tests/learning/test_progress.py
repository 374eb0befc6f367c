"""What a reader sees of their way through a course."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.support.answers import answer_question, next_lesson
from tests.support.builders import at_eight, course_of, enrolment_of, lessons_to, plan, send_all
from tests.support.databases import unchecked

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.progress import CourseProgress, progress_of


def progress(runtime: Runtime, email: str | None, language: str = "nl") -> CourseProgress:
    enrolment = enrolment_of(runtime, email) if email else None
    with runtime.database.read() as session:
        return progress_of(session, runtime.course_cache, course_of(runtime), language, enrolment)


def settle(runtime: Runtime, delivery: DeliveryRow, state: DeliveryState) -> None:
    with runtime.database.write() as session, unchecked(session, "delivery"):
        session.execute(update(DeliveryRow).where(DeliveryRow.id == delivery.id).values(state=state))


def test_before_the_first_lesson_everything_is_to_come(runtime: Runtime, email: str) -> None:
    lessons = course_of(runtime).course.lessons
    for found in (progress(runtime, None), progress(runtime, email)):
        assert found.upcoming == lessons[0]
        assert [one.lesson for one in found.lessons] == list(lessons)
        assert (found.come, found.answered, found.right) == (0, 0, 0)
        assert not any(one.missed or one.on_its_way or one.at or one.given for one in found.lessons)
        assert [one.asked for one in found.lessons] == [len(one.texts["nl"].quiz) for one in lessons]
    assert progress(runtime, None, "en").lessons[0].title == lessons[0].texts["en"].title


def test_a_lesson_is_on_its_way_and_then_there(runtime: Runtime, dispatcher: Dispatcher, email: str) -> None:
    lessons = course_of(runtime).course.lessons
    at_eight(runtime)
    plan(runtime)
    found = progress(runtime, email)
    assert [one.on_its_way for one in found.lessons][:2] == [True, False]
    assert (found.come, found.upcoming) == (0, lessons[1])
    send_all(dispatcher)
    second = next_lesson(runtime, dispatcher, email)
    found = progress(runtime, email)
    assert (found.come, found.upcoming) == (2, lessons[2])
    assert (found.lessons[1].delivery_id, found.lessons[1].at) == (second.id, second.settled_at)
    assert not any(one.on_its_way or one.missed for one in found.lessons)


def test_answers_stand_with_the_words_that_were_chosen(runtime: Runtime, dispatcher: Dispatcher, email: str) -> None:
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 0, right=True)
    answer_question(runtime, first, 1, right=False)
    quiz = course_of(runtime).course.lessons[0].texts["nl"].quiz
    found = progress(runtime, email)
    assert (found.answered, found.right, found.lessons[0].right) == (2, 1, 1)
    given = found.lessons[0].given
    assert [one.question for one in given] == [one.question for one in quiz[:2]]
    assert given[0].answer == quiz[0].options[quiz[0].right_option].text
    assert given[1].answer == quiz[1].options[(quiz[1].right_option + 1) % len(quiz[1].options)].text


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.UNKNOWN])
def test_a_lesson_that_did_not_arrive_is_missed_and_not_to_come(
    runtime: Runtime, dispatcher: Dispatcher, email: str, state: DeliveryState
) -> None:
    settle(runtime, next_lesson(runtime, dispatcher, email), state)
    found = progress(runtime, email)
    assert [one.missed for one in found.lessons][:2] == [True, False]
    assert (found.come, found.upcoming) == (0, course_of(runtime).course.lessons[1])
    assert found.lessons[0].delivery_id is None


def test_a_lesson_that_is_on_its_way_again_is_not_missed(runtime: Runtime, dispatcher: Dispatcher, email: str) -> None:
    next_lesson(runtime, dispatcher, email)
    [first] = lessons_to(runtime, email)
    settle(runtime, first, DeliveryState.PLANNED)
    [there, *_] = progress(runtime, email).lessons
    assert (there.on_its_way, there.missed) == (True, False)
