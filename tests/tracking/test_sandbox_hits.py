"""A mail gateway's sandbox uses all that a mail has, within seconds: that says nothing of whether its reader got it."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import pytest
from sqlalchemy import select
from tests.support.builders import (
    answer,
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    plan,
    planned_readers,
    reader_with_lesson,
    ref,
    send_all,
)
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, DeliveryState, EmailEventRow, EnrolmentStatus, EventKind, Verdict
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.delivery.resend import resend
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.learning.answers import QuestionRef, SubmittedAnswer, record_answers
from rugcourse.tracking import recorder
from rugcourse.tracking.recorder import TrackingHit, record_hits

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_PUT_OFF = "451 4.7.1 under analysis, try again later"


class Use(Protocol):
    """Something that a machine does with a reader's newest lesson, in one transaction or more."""

    def __call__(self, runtime: Runtime, email: str, *, at_once: bool = False) -> None: ...


def answer_everything(runtime: Runtime, email: str, *, at_once: bool = False) -> None:
    """All options of the two questions of a reader's newest lesson, one by one or in one transaction."""
    mail = ref(runtime, lessons_to(runtime, email)[-1].id)
    presses = [SubmittedAnswer(QuestionRef(mail, question), option) for question in (0, 1) for option in range(4)]
    for some in [presses] if at_once else [[one] for one in presses]:
        with runtime.database.write() as session:
            record_answers(session, runtime.course_cache, runtime.clock, some)


def follow_everything(runtime: Runtime, email: str, *, at_once: bool = False) -> None:
    """The picture and all links of a reader's newest lesson."""
    mail = ref(runtime, lessons_to(runtime, email)[-1].id)
    fetches = [TrackingHit(mail, link, "GET", _BROWSER) for link in (None, *range(6))]
    for some in [fetches] if at_once else [[one] for one in fetches]:
        with runtime.database.write() as session:
            record_hits(session, runtime.course_cache, runtime.clock, some)


def see_the_picture(runtime: Runtime, email: str, *, at_once: bool = False) -> None:
    """The picture alone, as often as a gateway that renders a mail may fetch it."""
    fetch = TrackingHit(ref(runtime, lessons_to(runtime, email)[-1].id), None, "GET", _BROWSER)
    with runtime.database.write() as session:
        record_hits(session, runtime.course_cache, runtime.clock, [fetch] * (2 if at_once else 1))


USES = pytest.mark.parametrize("use", [answer_everything, follow_everything, see_the_picture])


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> str:
    """A reader who allows measuring, and whose first lesson is planned: with links, which the shipped ones have not."""
    monkeypatch.setattr(recorder, "target_of", lambda *_: "https://example.org/")
    email = make_pending(runtime)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0]
    runtime.database.run(confirm, runtime.clock.now(), runtime.signer, mail.id, measuring=True)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    return email


@USES
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("when", ["before the reply", "after it"])
def test_a_lesson_that_a_sandbox_used_while_its_server_put_it_off_is_tried_again(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    clock: VirtualClock,
    email: str,
    use: Use,
    at_once: bool,
    when: str,
) -> None:
    def scan() -> None:
        use(runtime, email, at_once=at_once)

    fault = Fault("dot", _PUT_OFF, do=scan if when == "before the reply" else lambda: None)
    sink.fault = lambda recipient: fault if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    if when == "after it":
        scan()
    before = len(sink.to(email))
    for _ in range(6):
        clock.advance(minutes=2)
        send_all(dispatcher)
    assert len(sink.to(email)) == before + 1
    assert lessons_to(runtime, email)[-1].state == DeliveryState.ACCEPTED
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@USES
def test_a_lesson_that_came_back_after_a_sandbox_had_used_it_comes_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, email: str, use: Use
) -> None:
    send_all(dispatcher)
    use(runtime, email)
    lesson = lessons_to(runtime, email)[-1]
    clock.advance(minutes=10)
    report = BounceReport(BounceType.SOFT, "4.2.2", "mailbox full", (lesson.message_id or "",))
    assert (
        runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now())).done
        == BounceOutcome.RECORDED
    )
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 2


@USES
def test_a_lesson_that_a_sandbox_uses_after_it_came_back_comes_all_the_same(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, email: str, use: Use
) -> None:
    send_all(dispatcher)
    lesson = lessons_to(runtime, email)[-1]
    clock.advance(minutes=10)
    report = BounceReport(BounceType.SOFT, "4.2.2", "mailbox full", (lesson.message_id or "",))
    runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now()))
    use(runtime, email)
    plan(runtime)
    send_all(dispatcher)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 1  # not at this hour
    for day in range(1, 4):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 2
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 3
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


def test_the_last_lesson_that_a_sandbox_uses_after_it_came_back_comes_all_the_same(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, email: str
) -> None:
    last = len(course_of(runtime).course.lessons) - 1
    for day in range(last + 1):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    lesson = lessons_to(runtime, email)[-1]
    clock.advance(minutes=10)
    report = BounceReport(BounceType.SOFT, "4.2.2", "mailbox full", (lesson.message_id or "",))
    runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now()))
    at_eight(runtime, last + 1)
    answer(runtime, email, last)
    for _ in range(2):
        plan(runtime)  # which finds that it arrived, and ends the course
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    answer_everything(runtime, email)
    for day in range(last + 1, last + 3):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert [one.message_id for one in sink.to(email)].count(lesson.message_id) == 2
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@USES
def test_hits_of_a_sandbox_leave_an_unknown_delivery_unknown(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, email: str, use: Use
) -> None:
    sink.fault = lambda recipient: Fault("reply") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    lesson = lessons_to(runtime, email)[-1]
    use(runtime, email)
    assert lessons_to(runtime, email)[-1].state == DeliveryState.UNKNOWN
    clock.advance(minutes=1)
    assert runtime.database.run(resend, clock.now(), [lesson.id]) == [lesson.id]


def test_a_lesson_that_its_reader_answered_before_a_sandbox_used_it_has_arrived(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    fault = Fault("dot", _PUT_OFF, do=lambda: answer(runtime, email))
    sink.fault = lambda recipient: fault if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    clock.advance(seconds=10)
    answer_everything(runtime, email)
    assert lessons_to(runtime, email)[-1].state == DeliveryState.ACCEPTED


def test_answers_of_a_machine_are_kept_as_a_machines(runtime: Runtime, dispatcher: Dispatcher) -> None:
    answer_everything(runtime, reader_with_lesson(runtime, dispatcher))
    with runtime.database.read() as session:
        verdicts = session.scalars(select(EmailEventRow.verdict).where(EmailEventRow.kind == EventKind.ANSWER)).all()
    assert verdicts == [Verdict.MACHINE] * 6


def test_a_lesson_by_which_its_reader_left_the_course_has_arrived(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    """Also where nobody knew of it, and the reader undid that: it is not sent again."""
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda _: Fault("reply")
    send_all(dispatcher)
    sink.fault = lambda _: None
    [lesson] = lessons_to(runtime, email)
    assert lesson.state == DeliveryState.UNKNOWN
    runtime.database.run(preferences.leave_course, clock.now(), lesson.id)
    runtime.database.run(preferences.come_back, clock.now(), lesson.id)
    assert runtime.database.run(resend, clock.now(), [lesson.id]) == []
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_a_lesson_by_which_its_reader_unsubscribed_does_not_come_again_for_a_late_report(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    """A server that the mail was forwarded to may complain of it for days."""
    email = reader_with_lesson(runtime, dispatcher)
    [lesson] = lessons_to(runtime, email)
    runtime.database.run(preferences.unsubscribe, clock.now(), lesson.id)
    clock.advance(minutes=10)
    runtime.database.run(preferences.come_back, clock.now(), lesson.id)
    report = BounceReport(BounceType.SOFT, "4.2.2", "full", (lesson.message_id or "",))
    runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now()))
    for day in (1, 2):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert [one.message_id for one in sink.taken].count(lesson.message_id or "") == 1
