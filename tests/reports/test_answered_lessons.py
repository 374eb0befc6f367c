"""The share of lessons that were answered, from the counters."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from tests.support.builders import at_eight, lessons_to, mails_to, plan, reader_with_lesson, ref, send_all
from tests.support.campaigns import draft, start

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind, DeliveryKind, DeliveryState
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.reports.answered_lessons import answered_by_week
from rugcourse.scheduling import Timing


def answer(runtime: Runtime, email: str, question: int = 0) -> None:
    mail = ref(runtime, lessons_to(runtime, email)[-1].id)
    answered = [SubmittedAnswer(QuestionRef(mail, question), 0)]
    runtime.database.run(record_answers, runtime.course_cache, runtime.clock, answered)


def weeks(runtime: Runtime) -> list[tuple[int, int]]:
    found = runtime.database.query(answered_by_week, runtime.clock.now())
    return [(one.lessons, one.answered) for one in found.values()]


def test_a_lesson_with_two_questions_counts_once_for_each_reader(runtime: Runtime, dispatcher: Dispatcher) -> None:
    first, second = (reader_with_lesson(runtime, dispatcher) for _ in range(2))
    for question in (0, 1):
        answer(runtime, first, question)
    assert weeks(runtime)[-1] == (2, 1)
    answer(runtime, second)
    assert weeks(runtime)[-1] == (2, 2)


def test_weeks_end_today(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    answer(runtime, reader_with_lesson(runtime, dispatcher))
    clock.advance(days=6)
    assert weeks(runtime)[-1] == (1, 1)
    clock.advance(days=1)
    assert weeks(runtime)[-2:] == [(1, 1), (0, 0)]
    days = list(runtime.database.query(answered_by_week, clock.now()))
    assert days[-1] == clock.now().date() - timedelta(days=6)
    assert all((later - earlier).days == 7 for earlier, later in pairwise(days))


def test_messages_are_no_lessons(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    before = weeks(runtime)
    start(runtime, draft(runtime, CampaignKind.BROADCAST, Timing()))
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in mails_to(runtime, email, DeliveryKind.BROADCAST)] == [DeliveryState.ACCEPTED]
    assert weeks(runtime) == before
