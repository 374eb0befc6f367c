"""Answers to questions in lessons, and the questions that come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from tests.support.answers import answer_question, answer_questions, asking_of, next_lesson
from tests.support.builders import answer, course_of, enrolment_of, lessons_to, make_reader, reader_with_lesson, ref

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.db.queries import learning
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.learning import recap
from rugcourse.learning.answers import AnswerResult, QuestionRef, SubmittedAnswer
from rugcourse.learning.recap import RECAP_NUMBER, UpcomingLesson
from rugcourse.learning.spaced_repetition import CardState, review
from rugcourse.links import LINK_DAYS


def _state(runtime: Runtime, mail: int, becomes: DeliveryState | None = None) -> str:
    """The state of a delivery, which it is given first, if any."""
    with runtime.database.write() as session:
        row = session.get_one(DeliveryRow, mail)
        row.state = becomes or row.state
        return row.state


def test_the_first_and_the_last_answer_are_kept_until_the_next_lesson(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 0, right=False)
    clock.advance(minutes=5)
    changed = answer_question(runtime, first, 0, right=True)
    next_lesson(runtime, dispatcher, email)
    late = answer_question(runtime, first, 0, right=False)
    with runtime.database.read() as session:
        [answer] = learning.answers_of(session, enrolment_of(runtime, email).subscriber_id)
    assert (answer.first_correct, answer.last_correct) == (False, True)
    assert changed.kept is True
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


@pytest.mark.parametrize("why", ["left", "old"])
def test_the_link_of_who_left_and_an_old_link_say_what_is_right_and_keep_nothing(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock, why: str
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 0, right=False)
    if why == "left":
        runtime.database.run(preferences.unsubscribe, clock.now(), first.id)
    else:
        clock.advance(days=LINK_DAYS + 1)
    asking = asking_of(runtime, first, 0)
    assert asking is not None
    assert asking.given is None
    for right in (True, False):
        option = asking.question.right_option if right else (asking.question.right_option + 1) % 3
        found = answer_question(runtime, first, 0, right=right)
        assert found == AnswerResult(option, right, kept=True, counted=False, answered=0, answered_right=0)
    with runtime.database.read() as session:
        [kept] = learning.answers_of(session, first.subscriber_id)
    assert (kept.last_correct, kept.last_at) == (False, datetime(2026, 11, 23, 7, tzinfo=UTC))


def test_the_page_of_a_question_knows_what_its_reader_chose_before(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    chosen = answer_question(runtime, first, 0, right=False).option
    given = [asking.given for asking in (asking_of(runtime, first, number) for number in (0, 1)) if asking]
    assert given == [chosen, None]


def test_an_answer_proves_that_its_mail_arrived_and_no_other(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    second = next_lesson(runtime, dispatcher, email)
    for one in (first, second):
        _state(runtime, one.id, DeliveryState.UNKNOWN)
    answer_question(runtime, second, 0, right=True)
    assert [_state(runtime, one.id) for one in (first, second)] == [DeliveryState.UNKNOWN, DeliveryState.ACCEPTED]


def test_answers_of_a_machine_prove_no_arrival_and_take_none_back_from_others(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    other = make_reader(runtime)
    first = next_lesson(runtime, dispatcher, email)
    [theirs] = lessons_to(runtime, other)
    for one in (first, theirs):
        _state(runtime, one.id, DeliveryState.UNKNOWN)
    answer(runtime, other)
    for _ in range(5):
        answer(runtime, email)
    assert _state(runtime, first.id) == DeliveryState.UNKNOWN
    assert _state(runtime, theirs.id) == DeliveryState.ACCEPTED


def test_a_recap_goes_on_with_what_is_known_about_the_question(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    first = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, first, 0, right=False)
    missed = review(None, right=False, now=clock.now())
    second = next_lesson(runtime, dispatcher, email)
    answer_question(runtime, second, RECAP_NUMBER, right=True)
    with runtime.database.read() as session:
        [card] = learning.find_cards(session, {first.subscriber_id})
    assert CardState(card.due_at, dict(card.state)) == review(missed, right=True, now=clock.now())


def test_the_recap_is_in_the_language_of_the_mail_or_else_in_one_that_the_lesson_still_has(runtime: Runtime) -> None:
    course = course_of(runtime).course
    lesson = course.lessons[1]
    for language in course.languages:
        question = lesson.texts[language].quiz[0]
        assert recap.find_question(course, language, question.id) == (lesson, question)
    assert recap.find_question(course, "en", "no-such-question") is None
    only_dutch = [one.model_copy(update={"texts": {"nl": one.texts["nl"]}}) for one in course.lessons]
    shorter = course.model_copy(update={"lessons": tuple(only_dutch)})
    question = lesson.texts["nl"].quiz[0]
    assert recap.find_question(shorter, "en", question.id) == (only_dutch[1], question)


def test_a_lesson_opens_with_a_question_of_an_earlier_one_and_never_with_its_own(runtime: Runtime) -> None:
    course = course_of(runtime).course
    earlier, own = (one.texts["nl"].quiz[0] for one in course.lessons[1:3])
    reading = UpcomingLesson(1, 1, course, course.lessons[2], "nl")
    assert recap.choose(reading, [own.id]) is None
    assert recap.choose(reading, [own.id, earlier.id]) == earlier


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
    assert asking_of(runtime, first, 1) is not None
    for number in (2, 7, RECAP_NUMBER):
        assert asking_of(runtime, first, number) is None
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


def test_a_changed_answer_is_kept_when_the_clock_was_set_back_meanwhile(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    mail = lessons_to(runtime, email)[0]
    answer_question(runtime, mail, 0, right=False)
    clock.advance(seconds=-2)
    assert answer_question(runtime, mail, 0, right=True).kept is True
    with runtime.database.read() as session:
        [answer] = learning.answers_of(session, enrolment_of(runtime, email).subscriber_id)
    assert (answer.last_correct, answer.last_at) == (True, answer.first_at)
