"""What an admin puts right: the next lesson, and a mistyped address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import at_eight, enrolment_of, lessons_to, make_pending, make_reader, plan, send_all
from tests.sink import Sink

from rugcourse.clock import VirtualClock
from rugcourse.delivery.audit import audit
from rugcourse.delivery.send import Dispatcher
from rugcourse.enrolment.corrections import (
    AddressTaken,
    HadThatLesson,
    NoSuchLesson,
    correct_address,
    move_to_lesson,
)
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.enrolment.suppression import suppress
from rugcourse.runtime import Runtime
from rugcourse.store.tables import DeliveryState


def move(runtime: Runtime, email: str, number: int) -> None:
    move_to_lesson(runtime.database, runtime.clock, enrolment_of(runtime, email).id, number)


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
    with pytest.raises(HadThatLesson):
        move(runtime, email, 1)
    move(runtime, email, 4)
    for day in (2, 3):  # lesson 5 was there already: after the fourth comes the sixth
        at_eight(runtime, day)
        for _ in range(2):  # one tick passes over what they had, the next one plans what comes after it
            plan(runtime)
        send_all(dispatcher)
    assert [one.lesson_id for one in lessons_to(runtime, email)] == [1, 5, 4, 6]
    assert audit(runtime.database, runtime.clock.now(), timedelta(minutes=10)).findings == ()


def test_there_is_no_lesson_with_another_number(runtime: Runtime) -> None:
    email = make_reader(runtime)
    for number in (0, 10):
        with pytest.raises(NoSuchLesson):
            move(runtime, email, number)


def test_a_lesson_that_failed_is_not_offered_again_in_silence(runtime: Runtime, dispatcher: Dispatcher) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    with runtime.database.write() as session:
        session.merge(lessons_to(runtime, email)[0]).state = DeliveryState.FAILED
    with pytest.raises(HadThatLesson):
        move(runtime, email, 1)


def test_a_corrected_address_gets_the_next_mail(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    email = make_reader(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    correct_address(runtime.database, runtime.clock, runtime.signer, person, " Right@Other.example ")
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert {one.recipient for one in sink.taken} == {"right@other.example"}


def test_an_address_that_is_wrong_taken_or_suppressed_is_refused(runtime: Runtime, clock: VirtualClock) -> None:
    email, other = make_reader(runtime), make_pending(runtime)
    suppress(runtime.database, clock, runtime.signer, "never@x.example", "complaint")
    person = enrolment_of(runtime, email).subscriber_id
    with pytest.raises(NotAnAddress):
        correct_address(runtime.database, runtime.clock, runtime.signer, person, "a@b@c")
    for taken in (other, "never@x.example", email):
        with pytest.raises(AddressTaken):
            correct_address(runtime.database, runtime.clock, runtime.signer, person, taken)
    assert enrolment_of(runtime, email).subscriber_id == person
