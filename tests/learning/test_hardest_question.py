"""What surprised most people: an author's guess until enough of them answered, then what they answered."""

from __future__ import annotations

from tests.support.builders import course_of

from rugcourse.bootstrap import Runtime
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
