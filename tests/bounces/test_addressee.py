"""A report concerns the address that it names: one that was put right, or that mail is passed on to, is another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.bounces import bounce_about, receive_bounce, return_path_of, status_of
from tests.support.builders import answer, at_eight, enrolment_of, lessons_to, plan, reader_with_lesson, ref, send_all
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.handler import BounceOutcome
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryState, EnrolmentStatus, SubscriberStatus
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import suppression
from rugcourse.enrolment.admin_changes import correct_address

RIGHT = "right@other.example"
GONE = "postfix unknown user"


def put_right(runtime: Runtime, clock: VirtualClock, email: str, right: str = RIGHT) -> None:
    clock.advance(minutes=10)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(correct_address, runtime.clock.now(), runtime.signer, person, right)


def is_suppressed(runtime: Runtime, address: str) -> bool:
    return runtime.database.query(suppression.find, runtime.signer, address) is not None


def without_recipient(raw: bytes) -> bytes:
    return raw.replace(b"Final-Recipient:", b"X-Final:").replace(b"Original-Recipient:", b"X-Original:")


@pytest.mark.parametrize("named", [True, False])
def test_the_bounce_of_an_address_that_was_put_right_is_not_about_the_new_one(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
    named: bool,
) -> None:
    """And the lesson that never arrived goes to the new one, as a message of its own."""
    path, lesson = return_path_of(runtime, sink, email), lessons_to(runtime, email)[-1]
    put_right(runtime, clock, email)
    raw = bounce_about(GONE, email.upper())
    assert (
        runtime.bounce_handler.handle_message(path, raw if named else without_recipient(raw)).done
        == BounceOutcome.RECORDED
    )
    assert status_of(runtime, RIGHT) == SubscriberStatus.ACTIVE
    assert not is_suppressed(runtime, RIGHT)
    assert is_suppressed(runtime, email) == named
    assert lessons_to(runtime, RIGHT)[-1].state == DeliveryState.CANCELLED
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    newest = lessons_to(runtime, RIGHT)[-1]
    assert (newest.lesson_id, newest.state) == (lesson.lesson_id, DeliveryState.ACCEPTED)
    assert newest.message_id != lesson.message_id
    assert newest.message_id in [one.message_id for one in sink.to(RIGHT)]


def test_the_new_address_that_bounces_is_suppressed(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> None:
    put_right(runtime, clock, email)
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    taken = runtime.bounce_handler.handle_message(
        return_path_of(runtime, sink, RIGHT), without_recipient(bounce_about(GONE, RIGHT))
    )
    assert (taken.done, status_of(runtime, RIGHT)) == (BounceOutcome.SUPPRESSED, SubscriberStatus.SUPPRESSED)
    assert not is_suppressed(runtime, email)


def test_bounces_of_an_earlier_address_do_not_count_for_the_new_one(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> None:
    address, found = email, []
    for n in range(3):
        clock.advance(hours=1)
        found.append(receive_bounce(runtime, return_path_of(runtime, sink, address), "gmail full").done)
        if n == 1:
            put_right(runtime, clock, email)
            address = RIGHT
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
    assert found == [BounceOutcome.RECORDED] * 3
    assert status_of(runtime, RIGHT) == SubscriberStatus.ACTIVE


def test_bounce_of_a_corrected_address_does_not_affect_its_later_owner(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> None:
    path, neighbour = return_path_of(runtime, sink, email), reader_with_lesson(runtime, dispatcher)
    put_right(runtime, clock, email)
    person = enrolment_of(runtime, neighbour).subscriber_id
    runtime.database.run(correct_address, runtime.clock.now(), runtime.signer, person, email)
    assert runtime.bounce_handler.handle_message(path, bounce_about(GONE, email)).done == BounceOutcome.RECORDED
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE
    assert not is_suppressed(runtime, email)


def test_forwarding_reader_is_suppressed_only_after_three_bounces(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> None:
    """The reader can mend that; whom it is passed on to never asked for anything, and is nobody's to suppress."""
    found = []
    for n in range(3):
        clock.advance(hours=1)
        raw = b"Message-ID: <%d@mx.example>\r\n" % n + bounce_about(GONE, "elsewhere@far.example")
        raw = raw.replace(b"Arrival-Date:", b"X-Arrival:")
        found.append(runtime.bounce_handler.handle_message(return_path_of(runtime, sink, email), raw).done)
        clock.advance(days=1)
        plan(runtime)
        send_all(dispatcher)
    assert found == [BounceOutcome.RECORDED, BounceOutcome.RECORDED, BounceOutcome.SUPPRESSED]
    assert is_suppressed(runtime, email)
    assert not is_suppressed(runtime, "elsewhere@far.example")


@pytest.mark.parametrize("by_mail", [True, False])
def test_complaint_from_a_mistyped_address_does_not_suppress_the_reader(
    runtime: Runtime,
    sink: Sink,
    email: str,
    clock: VirtualClock,
    by_mail: bool,
) -> None:
    path = return_path_of(runtime, sink, email)
    put_right(runtime, clock, email)
    if by_mail:
        raw = bounce_about("complaint of yahoo", email).replace(
            b"Version: 1\n", f"Original-Rcpt-To: {email}\n".encode()
        )
        done = runtime.bounce_handler.handle_message(path, raw).done
    else:
        done = runtime.bounce_handler.handle_event(
            ProviderEvent(BounceReport(BounceType.COMPLAINT), path, email, clock.now())
        ).done
    assert done == BounceOutcome.RECORDED
    assert is_suppressed(runtime, email)
    assert status_of(runtime, RIGHT) == SubscriberStatus.ACTIVE
    assert enrolment_of(runtime, RIGHT).status == EnrolmentStatus.ACTIVE


@pytest.mark.parametrize("kind", [BounceType.HARD, BounceType.COMPLAINT])
def test_bounce_of_the_first_address_does_not_concern_one_corrected_twice(
    runtime: Runtime,
    dispatcher: Dispatcher,
    email: str,
    clock: VirtualClock,
    kind: BounceType,
) -> None:
    for day in (1, 2):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    put_right(runtime, clock, email, "typo@other.example")
    put_right(runtime, clock, "typo@other.example")
    found = []
    for one in lessons_to(runtime, RIGHT):
        clock.advance(minutes=1)
        report = BounceReport(kind, "5.1.1", "no such user", message_ids=(one.message_id or "",))
        found.append(runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now())).done)
    assert found == [BounceOutcome.RECORDED] * 3
    assert status_of(runtime, RIGHT) == SubscriberStatus.ACTIVE
    assert enrolment_of(runtime, RIGHT).status == EnrolmentStatus.ACTIVE


def test_a_report_of_a_mail_to_the_address_of_before_suppresses_no_other_address(
    runtime: Runtime,
    sink: Sink,
    email: str,
    clock: VirtualClock,
) -> None:
    path = return_path_of(runtime, sink, email)
    put_right(runtime, clock, email)
    assert (
        runtime.bounce_handler.handle_message(path, bounce_about(GONE, "elsewhere@far.example")).done
        == BounceOutcome.RECORDED
    )
    assert not is_suppressed(runtime, "elsewhere@far.example")
    assert status_of(runtime, RIGHT) == SubscriberStatus.ACTIVE


def test_a_report_names_nobody_elses_address(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    email: str,
) -> None:
    """A reader can write any report about their own mail, and no more than that follows from it."""
    neighbour = reader_with_lesson(runtime, dispatcher)
    path = runtime.links.return_path(ref(runtime, lessons_to(runtime, email)[-1].id), "bounces@courses.example")
    assert runtime.bounce_handler.handle_message(path, bounce_about(GONE, neighbour)).done == BounceOutcome.RECORDED
    assert status_of(runtime, neighbour) == SubscriberStatus.ACTIVE
    assert not is_suppressed(runtime, neighbour)


REPORTS = {
    "policy": BounceReport(BounceType.POLICY, "5.7.26", "unauthenticated mail is refused"),
    "policy of another address": BounceReport(
        BounceType.POLICY, "5.7.26", "refused", recipient="elsewhere@far.example"
    ),
    "another address is gone": BounceReport(
        BounceType.HARD, "5.1.1", "no such user", recipient="elsewhere@far.example"
    ),
    "another address is full": BounceReport(BounceType.SOFT, "5.2.2", "full", recipient="elsewhere@far.example"),
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_a_lesson_that_its_reader_answered_does_not_come_again_for_what_a_forward_says(
    runtime: Runtime,
    dispatcher: Dispatcher,
    email: str,
    clock: VirtualClock,
    report: BounceReport,
) -> None:
    answer(runtime, email)
    clock.advance(minutes=5)
    mail = ref(runtime, lessons_to(runtime, email)[0].id)
    told = replace(report, at=clock.now(), message_ids=(runtime.links.message_id(mail, "courses.example"),))
    assert (
        runtime.bounce_handler.handle_event(ProviderEvent(told, "", told.recipient, clock.now())).done
        == BounceOutcome.DUPLICATE
    )
    clock.advance(days=1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.attempts for one in lessons_to(runtime, email)] == [1, 1]
    assert status_of(runtime, email) == SubscriberStatus.ACTIVE
