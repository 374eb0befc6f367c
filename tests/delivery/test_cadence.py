"""Lessons come as often as their course says, also after it was changed, and wait for answers where it says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.answers import answer_question, answer_questions
from tests.support.builders import at_eight, enrolment_of, lessons_to, mails_to, make_reader, plan, ref, send_all
from tests.support.cadences import publish_with
from tests.support.campaigns import draft, start

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind, DeliveryKind, DeliveryState
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.forecast import forecast_mails
from rugcourse.delivery.reconciliation import audit
from rugcourse.delivery.send_next import send_next_now
from rugcourse.enrolment import preferences
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer
from rugcourse.learning.recap import RECAP_NUMBER
from rugcourse.scheduling import WEEKDAYS, Cadence, Schedule, Timing

WAITS = Cadence(unanswered_days=5)
AMSTERDAM_EIGHT = datetime(2026, 11, 23, 7, tzinfo=UTC)


def lesson_days(runtime: Runtime, dispatcher: Dispatcher, email: str, days: int) -> list[int]:
    """Let `days` days pass, and return on which of them lessons came; 0 is the first Monday."""
    came = []
    for day in range(days):
        at_eight(runtime, day)
        before = len(lessons_to(runtime, email))
        plan(runtime)
        send_all(dispatcher)
        came += [day] * (len(lessons_to(runtime, email)) - before)
    return came


def due_day(runtime: Runtime, email: str) -> int:
    due = enrolment_of(runtime, email).next_due_at
    assert due is not None
    return (due - AMSTERDAM_EIGHT).days


def subscriber_id(runtime: Runtime, email: str) -> int:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return person.id


def assert_balanced(runtime: Runtime) -> None:
    assert audit(runtime.database, runtime.clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize(
    ("cadence", "days"),
    [
        (Cadence(), [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (Cadence(weekdays=WEEKDAYS[:5]), [0, 1, 2, 3, 4, 7, 8, 9, 10]),
        (Cadence(every_days=7), [0, 7]),
        (Cadence(weekdays=(WEEKDAYS[1], WEEKDAYS[4])), [1, 4, 8, 11]),
        (WAITS, [0, 5, 10]),
    ],
)
def test_lessons_come_as_often_as_the_course_says(
    runtime: Runtime, dispatcher: Dispatcher, cadence: Cadence, days: list[int]
) -> None:
    publish_with(runtime, cadence)
    email = make_reader(runtime)
    forecast = [one.at for one in forecast_mails(runtime.database, runtime.clock, runtime.send_window, 13)]
    assert lesson_days(runtime, dispatcher, email, 13) == days
    assert [(at - AMSTERDAM_EIGHT).days for at in forecast] == days
    assert_balanced(runtime)


def test_cadence_that_changes_applies_to_readers_who_are_under_way(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, Cadence(every_days=7))
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 2) == [0]
    publish_with(runtime, Cadence())
    at_eight(runtime, 2)
    plan(runtime)
    send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 2
    publish_with(runtime, Cadence(every_days=7))
    at_eight(runtime, 3)
    assert plan(runtime) == 0
    assert due_day(runtime, email) == 9
    assert_balanced(runtime)


def test_changed_cadence_does_not_move_the_first_lesson(runtime: Runtime) -> None:
    email = make_reader(runtime)
    due = enrolment_of(runtime, email).next_due_at
    publish_with(runtime, Cadence(every_days=7))
    assert enrolment_of(runtime, email).next_due_at == due


def test_answer_makes_the_waiting_lesson_come_at_the_next_hour(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 2) == [0]
    assert due_day(runtime, email) == 5
    clock.advance(hours=1)
    result = answer_question(runtime, lessons_to(runtime, email)[0], 0, right=False)
    assert result.next_lesson_at is not None
    assert result.next_lesson_at.isoformat() == "2026-11-25T08:00:00+01:00"
    assert due_day(runtime, email) == 2
    at_eight(runtime, 2)
    assert plan(runtime) == 1
    assert due_day(runtime, email) == 7  # and the one after it waits again
    assert_balanced(runtime)


def test_answer_on_the_same_day_brings_the_next_lesson_on_the_next(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    answer_question(runtime, lessons_to(runtime, email)[0], 0, right=True)
    assert plan(runtime) == 0
    assert due_day(runtime, email) == 1


def test_second_answer_changes_nothing(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    mail = lessons_to(runtime, email)[0]
    answer_question(runtime, mail, 0, right=True)
    assert answer_question(runtime, mail, 0, right=False).next_lesson_at is None
    assert due_day(runtime, email) == 1


def test_answer_to_an_earlier_lesson_does_not_count(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 6) == [0, 5]
    assert answer_question(runtime, lessons_to(runtime, email)[0], 0, right=True).next_lesson_at is None
    assert due_day(runtime, email) == 10


def test_answers_of_a_machine_do_not_count(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    mail = ref(runtime, lessons_to(runtime, email)[0].id)
    answer_questions(runtime, *(SubmittedAnswer(QuestionRef(mail, 0), option) for option in (0, 1, 2, 0, 1)))
    assert due_day(runtime, email) == 5


def test_lesson_that_a_machine_released_waits_again_once_it_is_known(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    mail = ref(runtime, lessons_to(runtime, email)[0].id)
    for option in (0, 1, 2, 0):  # each in a request of its own
        answer_questions(runtime, SubmittedAnswer(QuestionRef(mail, 0), option))
    assert due_day(runtime, email) == 1
    answer_questions(runtime, SubmittedAnswer(QuestionRef(mail, 0), 1))
    assert due_day(runtime, email) == 5
    assert enrolment_of(runtime, email).awaits_answer


def test_answer_does_not_count_while_the_lesson_after_it_is_on_its_way(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    at_eight(runtime, 5)
    assert plan(runtime) == 1  # and a rate limit keeps it from going out
    assert answer_question(runtime, lessons_to(runtime, email)[0], 0, right=True).next_lesson_at is None
    assert due_day(runtime, email) == 10


def test_each_of_two_runs_of_a_course_goes_by_its_own_answers(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    made = draft(runtime, CampaignKind.COHORT, Timing(day=clock.now().date() + timedelta(days=1)))
    start(runtime, made)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    first, second = lessons_to(runtime, email)
    assert first.campaign_id != second.campaign_id
    assert answer_question(runtime, first, 0, right=True).next_lesson_at is not None
    assert answer_question(runtime, second, 0, right=True).next_lesson_at is not None


def test_question_that_comes_back_is_not_the_quiz_of_the_lesson(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    answer_question(runtime, lessons_to(runtime, email)[0], 0, right=False)
    for day in (1, 2, 3, 4, 5, 6, 7, 8):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
        last = lessons_to(runtime, email)[-1]
        if last.recap_question is not None:
            break
        answer_question(runtime, last, 0, right=True)
    assert last.recap_question is not None
    due = enrolment_of(runtime, email).next_due_at
    answer_question(runtime, last, RECAP_NUMBER, right=True)
    assert enrolment_of(runtime, email).next_due_at == due


def test_another_hour_does_not_end_the_wait(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    later = Schedule("Europe/Amsterdam", 20)
    runtime.database.run(preferences.change_schedule, runtime.clock.now(), subscriber_id(runtime, email), later)
    due = enrolment_of(runtime, email).next_due_at
    assert due == AMSTERDAM_EIGHT + timedelta(days=5, hours=12)


def test_reader_who_answers_during_a_pause_goes_on_after_it(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    person = subscriber_id(runtime, email)
    runtime.database.run(preferences.pause, runtime.clock.now(), person)
    assert answer_question(runtime, lessons_to(runtime, email)[0], 0, right=True).next_lesson_at is None
    at_eight(runtime, 2)
    runtime.database.run(preferences.resume, runtime.clock.now(), person)
    assert due_day(runtime, email) == 2


def test_lesson_that_did_not_go_out_comes_again_without_a_wait(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    send_all(dispatcher)
    at_eight(runtime)
    assert plan(runtime) == 1
    at_eight(runtime, 1)  # nothing was sent in time
    assert plan(runtime) == 1
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]
    assert due_day(runtime, email) == 6
    assert_balanced(runtime)


def test_lesson_asked_for_early_has_a_wait_of_its_own(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    answer_question(runtime, lessons_to(runtime, email)[0], 0, right=True)
    runtime.database.run(send_next_now, runtime.clock.now(), mails_to(runtime, email, DeliveryKind.WELCOME)[0].id)
    send_all(dispatcher)
    assert due_day(runtime, email) == 5
    answer_question(runtime, lessons_to(runtime, email)[1], 0, right=True)
    assert due_day(runtime, email) == 1
    assert_balanced(runtime)


def test_course_that_stops_waiting_goes_on(runtime: Runtime, dispatcher: Dispatcher) -> None:
    publish_with(runtime, WAITS)
    email = make_reader(runtime)
    assert lesson_days(runtime, dispatcher, email, 1) == [0]
    publish_with(runtime, Cadence())
    at_eight(runtime, 1)
    assert plan(runtime) == 1
    assert not enrolment_of(runtime, email).awaits_answer
