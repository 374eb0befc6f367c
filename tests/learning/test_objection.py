"""Who objects is in no comparison and no statistics from then on (GDPR, Art. 21); what was counted stays."""

from __future__ import annotations

from sqlalchemy import select
from tests.support.builders import at_eight, course_of, enrolment_of, lessons_to, make_reader, plan, ref, send_all

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import ab_tests
from rugcourse.clock import VirtualClock
from rugcourse.db import counters
from rugcourse.db.models import AbTestRow, AnswerRow, DeliveryRow, SubscriberRow
from rugcourse.db.queries import ab_tests as kept_trials
from rugcourse.db.queries import learning
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.preferences import come_back, set_statistics_objection, unsubscribe
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.learning.assessment import save_attempt


def object_now(runtime: Runtime, email: str, *, left_out: bool = True) -> int:
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(set_statistics_objection, runtime.clock.now(), person, left_out=left_out)
    return person


def answer_question(runtime: Runtime, email: str, question: int, option: int = 0) -> None:
    [lesson, *_] = lessons_to(runtime, email)
    with runtime.database.write() as session:
        record_answers(
            session,
            runtime.course_cache,
            runtime.clock,
            [SubmittedAnswer(QuestionRef(ref(runtime, lesson.id), question), option)],
        )


def counted(runtime: Runtime) -> int:
    with runtime.database.read() as session:
        assert counters.differences(session) == {}
        return counters.answers_in((what, n) for (_, _, what), n in counters.totals(session).items()).given


def test_answers_of_who_objects_count_no_more_those_from_before_and_those_after(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email, other = make_reader(runtime), make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    answer_question(runtime, email, 0)
    assert counted(runtime) == 1
    object_now(runtime, email)
    assert counted(runtime) == 0
    answer_question(runtime, email, 0, 1)  # another answer to what was counted
    answer_question(runtime, email, 1)
    assert counted(runtime) == 0
    answer_question(runtime, other, 1)
    assert counted(runtime) == 1
    with runtime.database.read() as session:
        person = enrolment_of(runtime, email).subscriber_id
        assert (
            learning.count_answers(session, person, course_of(runtime).id)[0] == 2
        )  # on their own page all of it stands
        assert learning.count_answers_of_course(session, course_of(runtime).id)[0] == 1
    object_now(runtime, email, left_out=False)
    answer_question(runtime, email, 1, 1)
    assert counted(runtime) == 1  # it was given while they were left out
    with runtime.database.read() as session:
        assert [one.is_excluded for one in session.scalars(select(AnswerRow).order_by(AnswerRow.id))] == [
            True, True, False,
        ]  # fmt: skip
    with runtime.database.write() as session:
        counters.rebuild(session)
    assert counted(runtime) == 1


def test_tests_of_who_objects_are_in_no_share_and_no_gain(runtime: Runtime) -> None:
    published = course_of(runtime)
    test = published.course.tests["nl"]
    email = make_reader(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    options = {one.id: one.right_option for one in test.questions}
    attempt = runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, options)
    runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, options)  # a visitor's
    with runtime.database.write() as session:
        learning.adopt_attempt(session, attempt, person, published.id, runtime.clock.now())
    runtime.database.run(save_attempt, runtime.clock.now(), published.id, test, options, person)

    def found() -> tuple[int, int]:
        with runtime.database.read() as session:
            shares = learning.last_options(session, published.id, 100)
            return len(shares), learning.gain_of_course(session, published.id)[0]

    assert found() == (2, 1)
    object_now(runtime, email)
    assert found() == (1, 0)


def test_a_comparison_sends_one_wording_to_who_objects_and_looks_at_no_mail_of_theirs(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    other = {"nl": "Een heel ander onderwerp"}
    runtime.database.run(ab_tests.begin, clock.now(), course_of(runtime).lesson_ids["welkom"], other, 100, None)
    fresh = [make_reader(runtime) for _ in range(6)]
    for email in fresh[:4]:
        object_now(runtime, email)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    answer_question(runtime, fresh[0], 0)
    answer_question(runtime, fresh[5], 0)
    assert all(len(lessons_to(runtime, email)) == 1 for email in fresh)
    clock.advance(days=4)
    with runtime.database.read() as session:
        row = session.scalars(select(AbTestRow)).one()
        variants = [
            kept_trials.count_variant(session, row, [version], clock.now())
            for version in (row.version_a_id, row.version_b_id)
        ]
    assert sum(one.mails for one in variants) == 2
    assert sum(one.acted for one in variants) == 1


def test_objecting_lasts_when_somebody_leaves_and_comes_back(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    person = object_now(runtime, email)
    with runtime.database.read() as session:
        mail = session.scalars(select(DeliveryRow.id).where(DeliveryRow.subscriber_id == person)).first() or 0
    runtime.database.run(unsubscribe, runtime.clock.now(), mail)
    runtime.database.run(come_back, runtime.clock.now(), mail)
    with runtime.database.read() as session:
        assert session.get_one(SubscriberRow, person).statistics_objected_at == runtime.clock.now()
