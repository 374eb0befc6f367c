"""The knowledge test: scored per topic, kept whole, and compared with the second one."""

from __future__ import annotations

import pytest
from tests.support.builders import course_of, enrolment_of

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Stage
from rugcourse.db.queries import learning
from rugcourse.learning.assessment import IncompleteTest, adopt, find_attempt, gain_of, save_attempt
from rugcourse.learning.scoring import TopicResult, is_complete, score


def test_the_test_is_scored_per_cause(runtime: Runtime) -> None:
    test = course_of(runtime).course.tests["nl"]
    chosen = {question.id: question.right_option for question in test.questions}
    assert score(test, chosen).right == 8
    chosen["test-pijn-is-schade"] = 0
    result = score(test, chosen)
    assert [one.topic for one in result.topics if not one.known] == ["overbelasting"]
    assert score(test, {}).right == 0


def test_a_question_that_came_in_between_is_nothing_learned(runtime: Runtime, email: str) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    added = test.questions[0].model_copy(update={"id": "brand-new", "topic": "new"})
    longer = test.model_copy(update={"questions": (added, *test.questions)})
    person = enrolment_of(runtime, email).subscriber_id
    right = {question.id: question.right_option for question in longer.questions}
    old = {name: option for name, option in right.items() if name != added.id}
    attempt = runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, old)
    with runtime.database.write() as session:
        learning.adopt_attempt(session, attempt, person, published.id, runtime.clock.now())
    runtime.database.run(save_attempt, runtime.clock.now(), published.id, longer, right, person)
    with runtime.database.read() as session:
        gain = gain_of(session, person, published.id, longer)
    assert gain is not None
    assert gain.before is not None
    assert ((gain.before.right, gain.before.asked), (gain.after.right, gain.after.asked)) == ((8, 8), (9, 9))
    assert gain.learned == 0
    assert gain.before_about("new") is None
    for topic in gain.before.topics:
        assert gain.before_about(topic.topic) == topic


@pytest.mark.parametrize("asked_before", [None, "of another time"])
def test_without_a_first_test_of_the_same_questions_there_is_nothing_to_compare(
    runtime: Runtime, email: str, asked_before: str | None
) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    person = enrolment_of(runtime, email).subscriber_id
    if asked_before:
        other = test.model_copy(update={"questions": (test.questions[0].model_copy(update={"id": asked_before}),)})
        attempt = runtime.database.run(save_attempt, runtime.clock.now(), published.id, other, {asked_before: 0})
        runtime.database.run(adopt, runtime.clock, attempt, person, published.id)
    right = {question.id: question.right_option for question in test.questions}
    runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, right, person)
    with runtime.database.read() as session:
        gain = gain_of(session, person, published.id, test)
    assert gain is not None
    assert (gain.before, gain.after.right, gain.learned) == (None, 8, 0)
    assert gain.before_about(test.questions[0].topic) is None


@pytest.mark.parametrize(("hours", "is_theirs"), [(1, True), (48, False)])
def test_a_visitors_test_becomes_that_of_the_reader_who_signs_up_soon_after_it(
    runtime: Runtime, email: str, clock: VirtualClock, hours: int, is_theirs: bool
) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    person = enrolment_of(runtime, email).subscriber_id
    chosen = {question.id: question.right_option for question in test.questions}
    attempt = runtime.database.run(save_attempt, clock.now(), published.id, test, chosen)
    clock.advance(hours=hours)
    runtime.database.run(adopt, clock, attempt, person, published.id)
    with runtime.database.read() as session:
        found = find_attempt(session, attempt)
        assert find_attempt(session, attempt + 1) is None
    assert found is not None
    assert (found.stage, found.options, found.correct) == (Stage.PRETEST, chosen, 8)
    assert found.subscriber_id == (person if is_theirs else None)


def test_the_gain_is_the_second_test_beside_the_first(runtime: Runtime, email: str) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    person = enrolment_of(runtime, email).subscriber_id
    wrong = {question.id: (question.right_option + 1) % len(question.options) for question in test.questions}
    right = {question.id: question.right_option for question in test.questions}
    attempt = runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, wrong)
    with runtime.database.write() as session:
        learning.adopt_attempt(session, attempt, person, published.id, runtime.clock.now())
        assert gain_of(session, person, published.id, test) is None
    runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, right, person)
    with runtime.database.read() as session:
        gain = gain_of(session, person, published.id, test)
        assert learning.gain_of_course(session, published.id) == (1, 0.0, 1.0)
        stored = learning.last_attempt(session, person, published.id, Stage.PRETEST)
    assert gain is not None
    assert gain.before is not None
    assert (gain.before.right, gain.after.right) == (0, 8)
    assert stored is not None


def test_a_test_with_a_missing_or_impossible_answer_is_not_kept(runtime: Runtime) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    for chosen in ({}, {question.id: 9 for question in test.questions}):
        with pytest.raises(IncompleteTest):
            runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, chosen)


def test_a_cause_is_known_when_each_of_its_questions_was_answered_right(runtime: Runtime) -> None:
    test = course_of(runtime).course.tests["nl"]
    first, second, *others = test.questions
    both = [one.model_copy(update={"topic": "posture"}) for one in (first, second)]
    shorter = test.model_copy(update={"questions": (*both, others[0].model_copy(update={"topic": "stress"}))})
    result = score(shorter, {first.id: first.right_option, second.id: second.right_option + 1})
    assert (result.right, result.asked) == (1, 3)
    assert result.topics == (TopicResult("posture", 1, 2), TopicResult("stress", 0, 1))
    assert [one.known for one in result.topics] == [False, False]
    assert TopicResult("posture", 2, 2).known


def test_a_test_is_complete_when_each_question_has_one_of_its_options(runtime: Runtime) -> None:
    test = course_of(runtime).course.tests["nl"]
    last = {one.id: len(one.options) - 1 for one in test.questions}
    assert is_complete(test, last)
    assert is_complete(test, dict.fromkeys(last, 0))
    for wrong in (-1, len(test.questions[0].options)):
        assert not is_complete(test, {**last, test.questions[0].id: wrong})
