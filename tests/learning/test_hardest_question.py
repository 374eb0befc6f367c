"""What surprised most people: an author's guess until enough of them answered, then what they answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy.orm import Session
from tests.support.builders import course_of

from rugcourse.bootstrap import Runtime
from rugcourse.db.queries import learning
from rugcourse.learning.assessment import save_attempt
from rugcourse.learning.hardest_question import MIN_ATTEMPTS, HardestQuestions


def test_the_question_that_most_visitors_miss_is_the_surprise_once_enough_answered(runtime: Runtime) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    hardest_questions = HardestQuestions()
    right = {one.id: one.right_option for one in test.questions}
    missed = test.questions[3]
    wrong = {**right, missed.id: (missed.right_option + 1) % len(missed.options)}
    for number in range(MIN_ATTEMPTS):
        with runtime.database.read() as session:
            found = hardest_questions.of(session, published.id, test)
        assert found is not None
        assert (found.question.id, found.missed_percent) == (test.surprise, None)
        runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, wrong if number % 5 else right)
    with runtime.database.read() as session:
        found = hardest_questions.of(session, published.id, test)
    assert found is not None
    assert (found.question.id, found.missed_percent) == (missed.id, 80)


def test_hardest_question_is_the_authors_choice_when_nobody_missed_any(runtime: Runtime) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    for _ in range(MIN_ATTEMPTS):
        right = {one.id: one.right_option for one in test.questions}
        runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, right)
    with runtime.database.read() as session:
        assert HardestQuestions().of(session, published.id, test.model_copy(update={"surprise": None})) is None
        found = HardestQuestions().of(session, published.id, test)
    assert found is not None
    assert found.missed_percent is None


def test_hardest_question_ignores_questions_that_were_not_asked(runtime: Runtime) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    right = {one.id: one.right_option for one in test.questions}
    missed, added = test.questions[3], test.questions[1].model_copy(update={"id": "brand-new"})
    wrong = {**right, missed.id: (missed.right_option + 1) % len(missed.options)}
    for number in range(MIN_ATTEMPTS):
        runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, right if number % 5 else wrong)
    longer = test.model_copy(update={"questions": (*test.questions, added)})
    runtime.database.run(
        save_attempt, runtime.clock.now(), published.id, longer, {**right, added.id: added.right_option + 1}
    )
    with runtime.database.read() as session:
        found = HardestQuestions().of(session, published.id, longer)
    assert found is not None
    assert (found.question.id, found.missed_percent) == (missed.id, 20)


def _take(runtime: Runtime, times: int, *, missed: int | None = None) -> None:
    """Visitors who miss one question, or none."""
    published = course_of(runtime)
    test = published.course.tests["nl"]
    chosen = {one.id: one.right_option for one in test.questions}
    if missed is not None:
        question = test.questions[missed]
        chosen[question.id] = (question.right_option + 1) % len(question.options)
    for _ in range(times):
        runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, chosen)


def _percent(runtime: Runtime, hardest_questions: HardestQuestions) -> int | None:
    published = course_of(runtime)
    with runtime.database.read() as session:
        found = hardest_questions.of(session, published.id, published.course.tests["nl"])
    assert found is not None
    return found.missed_percent


def test_a_question_that_few_miss_surprises_nobody(runtime: Runtime) -> None:
    _take(runtime, 81)
    _take(runtime, 19, missed=3)
    assert _percent(runtime, HardestQuestions()) is None
    _take(runtime, 6, missed=3)
    assert _percent(runtime, HardestQuestions()) == 24


def test_the_hardest_question_is_looked_for_again_after_many_attempts_and_not_after_each(runtime: Runtime) -> None:
    hardest_questions = HardestQuestions()
    _take(runtime, MIN_ATTEMPTS, missed=3)
    assert _percent(runtime, hardest_questions) == 100
    _take(runtime, 1)
    assert _percent(runtime, hardest_questions) == 100
    _take(runtime, MIN_ATTEMPTS - 1)
    assert _percent(runtime, hardest_questions) == 50


def test_a_course_does_not_push_out_what_is_known_about_another(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = course_of(runtime)
    looked: list[int] = []

    def last_options(_session: Session, course_id: int, _limit: int) -> Sequence[Mapping[str, int]]:
        looked.append(course_id)
        return []

    monkeypatch.setattr(learning, "last_options", last_options)
    hardest_questions = HardestQuestions()
    with runtime.database.read() as session:
        for course_id in (1, 2, 1, 2):
            hardest_questions.of(session, course_id, published.course.tests["nl"])
    assert looked == [1, 2]
