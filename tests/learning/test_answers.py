"""Answers to questions in lessons, and the questions that come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.answers import answer_question, answer_questions, asking_of, next_lesson
from tests.support.builders import course_of, enrolment_of, lessons_to, make_reader, ref

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.queries import learning
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer
from rugcourse.learning.recap import RECAP_NUMBER


def test_the_first_and_the_last_answer_are_kept_until_the_next_lesson(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 0, right=False)
    clock.advance(minutes=5)
    answer_question(runtime, first, 0, right=True)
    next_lesson(runtime, dispatcher, email)
    late = answer_question(runtime, first, 0, right=False)
    with runtime.database.read() as session:
        [answer] = learning.answers_of(session, enrolment_of(runtime, email).subscriber_id)
    assert (answer.first_correct, answer.last_correct) == (False, True)
    assert late.kept is False
    assert late.right is True


def test_a_missed_question_opens_the_next_lesson_until_it_is_known(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 1, right=False)
    clock.advance(minutes=1)
    answer_question(runtime, first, 1, right=True)  # after reading why: that is no proof of knowing it tomorrow
    second = next_lesson(runtime, dispatcher, email)
    assert second.recap_question == "welkom-ernstig"
    answer_question(runtime, second, RECAP_NUMBER, right=True)
    assert next_lesson(runtime, dispatcher, email).recap_question is None


def test_a_question_that_was_answered_right_does_not_come_back(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    answer_question(runtime, next_lesson(runtime, dispatcher, email), 0, right=True)
    assert next_lesson(runtime, dispatcher, email).recap_question is None


def test_five_answers_within_two_seconds_are_a_machines_and_do_not_count(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    outcomes = [answer_question(runtime, first, one % 2, right=one < 3) for one in range(5)]
    person = enrolment_of(runtime, email).subscriber_id
    assert [one.counted for one in outcomes] == [True] * 4 + [False]
    with runtime.database.read() as session:
        assert learning.count_answers(session, person, course_of(runtime).id) == (0, 0)
        assert len(learning.answers_of(session, person)) == 2
    clock.advance(hours=1)
    human = answer_question(runtime, first, 0, right=True)
    assert (human.counted, human.answered, human.answered_right) == (True, 1, 1)
    assert next_lesson(runtime, dispatcher, email).recap_question is None


def test_a_button_that_is_pressed_twice_at_once_is_one_answer(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: answer_question(runtime, first, 0, right=True), range(4)))
    assert {one.answered for one in outcomes} == {1}


def test_an_option_that_does_not_exist_is_refused_and_links_that_lead_nowhere_lead_nowhere(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    assert asking_of(runtime, first, 7) is None
    assert asking_of(runtime, first, RECAP_NUMBER) is None
    [option, nothing] = answer_questions(
        runtime,
        SubmittedAnswer(QuestionRef(ref(runtime, first.id), 0), 9),
        SubmittedAnswer(QuestionRef(ref(runtime, first.id + 99), 0), 0),
    )
    assert (option, nothing) == (None, None)
    with runtime.database.read() as session:
        assert learning.answers_of(session, enrolment_of(runtime, email).subscriber_id) == []


def test_presses_that_share_a_transaction_are_taken_one_after_the_other(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    other = make_reader(runtime)
    first = next_lesson(runtime, dispatcher, email)
    [theirs] = lessons_to(runtime, other)
    asking = asking_of(runtime, first, 0)
    assert asking is not None
    right, wrong = asking.question.right_option, (asking.question.right_option + 1) % 3
    answered = answer_questions(
        runtime,
        SubmittedAnswer(QuestionRef(ref(runtime, first.id), 0), wrong),
        SubmittedAnswer(QuestionRef(ref(runtime, theirs.id), 0), right),
        SubmittedAnswer(QuestionRef(ref(runtime, first.id), 0), right),
        SubmittedAnswer(QuestionRef(ref(runtime, first.id), 1), 0),
    )
    assert [one.answered for one in answered if one] == [2, 1, 2, 2]
    with runtime.database.read() as session:
        mine = learning.answers_of(session, enrolment_of(runtime, email).subscriber_id)
    assert [(one.first_option, one.last_option) for one in mine if one.question == asking.question.id] == [
        (wrong, right)
    ]
