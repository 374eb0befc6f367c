"""What an admin puts right: the next lesson, and a mistyped address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.builders import (
    COURSE,
    answer,
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    planned_readers,
    reader_with_lesson,
    send_all,
)
from tests.support.campaigns import draft, start
from tests.support.course_edits import inserted, publish
from tests.support.racing import meanwhile
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    COMPLAINT,
    CampaignKind,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EventKind,
    SubscriberStatus,
    Verdict,
)
from rugcourse.db.queries import email_events, subscribers
from rugcourse.db.queries.email_events import Event
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import admin_changes
from rugcourse.enrolment.admin_changes import (
    AddressTaken,
    LessonAlreadySent,
    LessonNotInCourse,
    OtherRunActive,
    correct_address,
    move_to_lesson,
)
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.preferences import come_back, leave_course, unsubscribe
from rugcourse.enrolment.signup import NotAnAddress, Signup, sign_up
from rugcourse.enrolment.suppression import lift, suppress_address
from rugcourse.scheduling import Schedule, Timing

OTHER_COURSE = "stress-en-rugpijn"


def move(runtime: Runtime, email: str, lesson_id: int) -> None:
    runtime.database.run(move_to_lesson, runtime.clock.now(), enrolment_of(runtime, email).id, lesson_id)


def test_a_reader_goes_on_with_the_lesson_they_are_moved_to_and_gets_none_twice(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    move(runtime, email, 5)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    with pytest.raises(LessonAlreadySent):
        move(runtime, email, 1)
    move(runtime, email, 4)
    for day in (2, 3):  # lesson 5 was there already: after the fourth comes the sixth
        at_eight(runtime, day)
        for _ in range(2):  # one tick passes over what they had, the next one plans what comes after it
            plan(runtime)
        send_all(dispatcher)
    assert [one.lesson_id for one in lessons_to(runtime, email)] == [1, 5, 4, 6]
    assert audit(runtime.database, runtime.clock.now(), timedelta(minutes=10)).findings == ()


def test_there_is_no_other_lesson(runtime: Runtime) -> None:
    email = make_reader(runtime)
    for lesson_id in (0, 10):
        with pytest.raises(LessonNotInCourse):
            move(runtime, email, lesson_id)


def test_a_lesson_that_failed_is_not_offered_again_in_silence(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    with runtime.database.write() as session:
        session.merge(lessons_to(runtime, email)[0]).state = DeliveryState.FAILED
    with pytest.raises(LessonAlreadySent):
        move(runtime, email, 1)


def test_a_corrected_address_gets_the_next_mail(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    email = make_reader(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(correct_address, runtime.clock.now(), runtime.signer, person, " Right@Other.example ")
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert {one.recipient for one in sink.taken} == {"right@other.example"}


@pytest.mark.parametrize("heard", ["complaint", "refusal"])
def test_a_lesson_that_was_put_off_while_its_address_was_put_right_is_about_the_new_address(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, heard: str
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    person, new = enrolment_of(runtime, email).subscriber_id, "new@x.example"

    def correct() -> None:
        runtime.database.run(correct_address, clock.now(), runtime.signer, person, new)

    sink.fault = lambda recipient: Fault("rcpt", "451 4.3.2 later", do=correct) if recipient == email else None
    send_all(dispatcher)
    before = lessons_to(runtime, new)[0].message_id
    clock.advance(minutes=10)
    if heard == "refusal":
        sink.fault = lambda _: Fault("rcpt", "550 5.1.1 no such user")
    send_all(dispatcher)
    [lesson] = lessons_to(runtime, new)
    assert lesson.message_id != before
    if heard == "complaint":  # without an address, as most providers tell it
        report = BounceReport(BounceType.COMPLAINT, message_ids=(lesson.message_id or "",))
        runtime.bounce_handler.handle_event(ProviderEvent(report, "", "", clock.now()))
    with runtime.database.read() as session:
        assert subscribers.by_email(session, new).status == SubscriberStatus.SUPPRESSED  # type: ignore[union-attr]


def test_an_address_that_is_wrong_taken_or_suppressed_is_refused(runtime: Runtime, clock: VirtualClock) -> None:
    email, other = make_reader(runtime), make_pending(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, "never@x.example", "complaint")
    person = enrolment_of(runtime, email).subscriber_id
    with pytest.raises(NotAnAddress):
        runtime.database.run(correct_address, runtime.clock.now(), runtime.signer, person, "a@b@c")
    for taken in (other, "never@x.example", email):
        with pytest.raises(AddressTaken):
            runtime.database.run(correct_address, runtime.clock.now(), runtime.signer, person, taken)
    assert enrolment_of(runtime, email).subscriber_id == person


@pytest.mark.parametrize("corrected", [True, False])
def test_a_lesson_that_an_address_refused_comes_when_mail_arrives_again(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, corrected: bool
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("rcpt", "550 5.1.1 no such user") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    assert lessons_to(runtime, email)[0].state == DeliveryState.FAILED
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    if corrected:
        runtime.database.run(correct_address, clock.now(), runtime.signer, person, "right@x.example")
        email = "right@x.example"
    for day in range(1, 10):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 9
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_complaint_that_comes_in_while_a_suppression_is_lifted_is_not_lost(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")

    def complain() -> None:
        runtime.database.run(suppress_address, clock.now(), runtime.signer, email, COMPLAINT)

    with meanwhile(monkeypatch, subscribers, "by_email", complain) as errors:
        runtime.database.run(lift, clock.now(), runtime.signer, email)
    assert errors == []
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert person.status != SubscriberStatus.ACTIVE


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["signup", "correction"])
def test_an_address_that_is_suppressed_while_somebody_gets_it_is_not_written_to(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    email, new = make_reader(runtime), "new@x.example"
    send_all(dispatcher)
    person = enrolment_of(runtime, email).subscriber_id

    def suppress_new() -> None:
        runtime.database.run(suppress_address, clock.now(), runtime.signer, new, "bounce")

    if way == "signup":
        with meanwhile(monkeypatch, subscribers, "add_pending", suppress_new) as errors:
            make_pending(runtime, new)
    else:
        with meanwhile(monkeypatch, admin_changes, "_person", suppress_new) as errors, pytest.raises(AddressTaken):
            runtime.database.run(correct_address, clock.now(), runtime.signer, person, new)
    assert errors == []
    send_all(dispatcher)
    assert sink.to(new) == []


def test_correcting_the_address_of_a_pending_reader_sends_a_confirmation(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_pending(runtime, "typo@x.example")
    send_all(dispatcher)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
    runtime.database.run(correct_address, clock.now(), runtime.signer, person.id, "right@x.example")
    make_pending(runtime, "right@x.example")  # who signs up again the same day gets no second one
    send_all(dispatcher)
    assert len(sink.to("right@x.example")) == 1


def asks(runtime: Runtime, dispatcher: Dispatcher, email: str) -> int:
    """How many mails asked somebody to confirm, once all that waits has gone out."""
    send_all(dispatcher)
    return len(mails_to(runtime, email, DeliveryKind.CONFIRM))


def sign_up_for(runtime: Runtime, email: str, slug: str) -> None:
    with runtime.database.read() as session:
        course = runtime.course_cache.course(session, slug)
    assert course is not None
    signup = Signup(email, "Sam Reader", Schedule("Europe/Amsterdam", 8))
    runtime.database.run(sign_up, runtime.clock, runtime.signer, course, signup, "nl")


@pytest.mark.parametrize("slug", [COURSE, OTHER_COURSE])
def test_correcting_an_address_resends_the_confirmation_of_readers_who_know_us(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, slug: str
) -> None:
    email, right = reader_with_lesson(runtime, dispatcher), "right@x.example"
    person = enrolment_of(runtime, email).subscriber_id
    if slug == COURSE:
        runtime.database.run(unsubscribe, clock.now(), lessons_to(runtime, email)[0].id)
    sign_up_for(runtime, email, slug)
    assert asks(runtime, dispatcher, email) == 2
    runtime.database.run(correct_address, clock.now(), runtime.signer, person, right)
    sign_up_for(runtime, right, slug)  # the same day: no second one
    assert asks(runtime, dispatcher, right) == 3
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, right, DeliveryKind.CONFIRM)[-1].id)
    runtime.database.run(correct_address, clock.now(), runtime.signer, person, "again@x.example")
    assert asks(runtime, dispatcher, "again@x.example") == 3


def test_correcting_an_address_sends_no_confirmation_to_confirmed_readers(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(correct_address, clock.now(), runtime.signer, person, "right@x.example")
    runtime.database.run(unsubscribe, clock.now(), lessons_to(runtime, "right@x.example")[0].id)
    runtime.database.run(correct_address, clock.now(), runtime.signer, person, "again@x.example")
    assert asks(runtime, dispatcher, "again@x.example") == 1


def test_signup_after_a_mistaken_suppression_sends_a_confirmation_the_same_day(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_pending(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "admin")
    send_all(dispatcher)
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    make_pending(runtime, email)
    send_all(dispatcher)
    assert len(sink.to(email)) == 1


def test_unsubscribing_while_suppressed_lasts_after_the_suppression_is_lifted(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    runtime.database.run(unsubscribe, clock.now(), lessons_to(runtime, email)[0].id)
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    for day in range(1, 4):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 1


def next_days(runtime: Runtime, dispatcher: Dispatcher, first: int, last: int) -> None:
    for day in range(first, last):
        at_eight(runtime, day)
        for _ in range(3):
            plan(runtime)
        send_all(dispatcher)


def refused(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> str:
    """A reader whose first lesson was refused, because there is no such user."""
    [email] = planned_readers(runtime, dispatcher, 1)
    sink.fault = lambda recipient: Fault("rcpt", "550 5.1.1 no such user") if recipient == email else None
    send_all(dispatcher)
    sink.fault = lambda _: None
    assert lessons_to(runtime, email)[0].state == DeliveryState.FAILED
    return email


@pytest.mark.parametrize("way", ["unsubscribes", "complains"])
def test_a_lesson_that_failed_is_not_lost_to_who_leaves_while_they_are_suppressed(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, way: str
) -> None:
    email = refused(runtime, dispatcher, sink)
    mail = lessons_to(runtime, email)[0].id
    if way == "unsubscribes":
        runtime.database.run(unsubscribe, clock.now(), mail)
    else:
        complaint = BounceReport(BounceType.COMPLAINT, at=clock.now())
        runtime.bounce_handler.handle_event(ProviderEvent(complaint, "", email, clock.now()))
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    next_days(runtime, dispatcher, 1, 3)
    assert [one.attempts for one in lessons_to(runtime, email)] == [1]
    runtime.database.run(come_back, clock.now(), mail)
    next_days(runtime, dispatcher, 3, 13)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 9
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("first", ["answer", "report"])
def test_a_lesson_that_its_reader_answered_does_not_come_again_when_a_suppression_is_lifted(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, first: str, corrected: bool
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    [lesson] = lessons_to(runtime, email)
    steps = [lambda: answer(runtime, email), lambda: report_gone(runtime, email)]
    for step in steps if first == "answer" else steps[::-1]:
        step()
    if first == "report":  # who is suppressed answers nothing on its page; their press was kept before
        with runtime.database.write() as session:
            email_events.add_events(session, [Event(lesson.id, EventKind.ANSWER, Verdict.HUMAN, clock.now(), 0)])
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    if corrected:
        runtime.database.run(correct_address, clock.now(), runtime.signer, lesson.subscriber_id, "right@x.example")
        email = "right@x.example"
    next_days(runtime, dispatcher, 1, 10)
    assert [(one.state, one.attempts) for one in lessons_to(runtime, email)] == [(DeliveryState.ACCEPTED, 1)] * 9
    assert [one.message_id for one in sink.taken].count(lesson.message_id or "") == 1
    assert len(sink.to("right@x.example")) == 8 * corrected
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()


def report_gone(runtime: Runtime, email: str) -> None:
    now = runtime.clock.now()
    runtime.bounce_handler.handle_event(
        ProviderEvent(BounceReport(BounceType.HARD, "5.1.1", "no such user", at=now), "", email, now)
    )


def test_a_lesson_that_failed_in_one_run_and_came_in_a_later_one_does_not_come_again(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    next_days(runtime, dispatcher, 0, 9)
    with runtime.database.write() as session:
        session.get_one(DeliveryRow, lessons_to(runtime, email)[0].id).state = DeliveryState.FAILED
    start(runtime, draft(runtime, CampaignKind.COHORT, Timing()))
    plan(runtime)
    send_all(dispatcher)
    next_days(runtime, dispatcher, 9, 19)
    before = lessons_to(runtime, email)
    assert len(before) == 18
    runtime.database.run(correct_address, clock.now(), runtime.signer, before[0].subscriber_id, "right@x.example")
    next_days(runtime, dispatcher, 19, 21)
    assert [one.state for one in lessons_to(runtime, "right@x.example")] == [one.state for one in before]


@pytest.mark.parametrize("later", ["goes on", "was left"])
def test_a_lesson_that_failed_in_a_run_that_is_over_is_left_to_the_later_one(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, later: str
) -> None:
    email = make_reader(runtime)
    next_days(runtime, dispatcher, 0, 9)
    second = lessons_to(runtime, email)[1]
    with runtime.database.write() as session:
        session.get_one(DeliveryRow, second.id).state = DeliveryState.FAILED
    clock.advance(minutes=5)
    start(runtime, draft(runtime, CampaignKind.COHORT, Timing()))
    plan(runtime)
    send_all(dispatcher)
    if later == "was left":
        runtime.database.run(leave_course, clock.now(), lessons_to(runtime, email)[-1].id)
    runtime.database.run(correct_address, clock.now(), runtime.signer, second.subscriber_id, "right@x.example")
    next_days(runtime, dispatcher, 10, 20)
    had = [one for one in lessons_to(runtime, "right@x.example") if one.lesson_id == second.lesson_id]
    assert [one.state for one in had] == [DeliveryState.FAILED, DeliveryState.ACCEPTED][
        : 2 if later == "goes on" else 1
    ]


def test_moving_a_reader_in_an_ended_run_fails_while_another_run_is_active(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    next_days(runtime, dispatcher, 0, 3)
    over, course = enrolment_of(runtime, email), course_of(runtime)
    fifth, last = (course.lesson_ids[course.course.lessons[place].slug] for place in (4, -1))
    move(runtime, email, last)
    next_days(runtime, dispatcher, 3, 4)
    clock.advance(minutes=5)
    start(runtime, draft(runtime, CampaignKind.COHORT, Timing()))
    plan(runtime)
    send_all(dispatcher)
    with pytest.raises(OtherRunActive):
        runtime.database.run(move_to_lesson, clock.now(), over.id, fifth)
    next_days(runtime, dispatcher, 4, 6)
    assert [one.enrolment_id == over.id for one in lessons_to(runtime, email)] == [True] * 4 + [False] * 3


def test_a_reader_is_moved_to_the_lesson_that_was_chosen_wherever_it_stands_by_now(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    email = make_reader(runtime)
    next_days(runtime, dispatcher, 0, 1)
    course = course_of(runtime)
    fifth = course.lesson_ids[course.course.lessons[4].slug]
    publish(runtime, inserted(runtime, 2))
    move(runtime, email, fifth)
    next_days(runtime, dispatcher, 1, 2)
    assert lessons_to(runtime, email)[-1].lesson_id == fifth
