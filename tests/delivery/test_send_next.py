"""A reader asks for the next lesson now: once a day, whatever the day had already, and the books still balance."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.support.builders import at_eight, enrolment_of, lessons_to, mails_to, make_reader, plan, send_all
from tests.support.campaigns import author, draft, start

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import lifecycle
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind, DeliveryKind, DeliveryState, EnrolmentRow, EnrolmentStatus
from rugcourse.db.queries import enrolments, subscribers
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.delivery.send_next import NothingToSend, may_ask, send_next_now
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Timing


@pytest.fixture
def email(runtime: Runtime, dispatcher: Dispatcher) -> str:
    address = make_reader(runtime)
    send_all(dispatcher)
    return address


def ask(runtime: Runtime, email: str) -> None:
    runtime.database.run(send_next_now, runtime.clock.now(), mails_to(runtime, email, DeliveryKind.WELCOME)[0].id)


def slugs_sent(runtime: Runtime, email: str) -> list[int | None]:
    return [one.lesson_id for one in lessons_to(runtime, email) if one.state == DeliveryState.ACCEPTED]


def assert_balanced(runtime: Runtime) -> None:
    assert audit(runtime.database, runtime.clock.now(), timedelta(minutes=10)).findings == ()


def test_before_the_hour_it_is_todays_lesson(runtime: Runtime, dispatcher: Dispatcher, email: str) -> None:
    ask(runtime, email)
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == [1]
    at_eight(runtime)
    assert plan(runtime) == 0
    at_eight(runtime, 1)
    assert plan(runtime) == 1
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == [1, 2]
    assert_balanced(runtime)


def test_after_todays_lesson_it_is_one_more_and_tomorrows_comes_as_ever(
    runtime: Runtime, dispatcher: Dispatcher, email: str
) -> None:
    at_eight(runtime)
    plan(runtime)
    due = enrolment_of(runtime, email).next_due_at
    ask(runtime, email)
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == [1, 2]
    assert enrolment_of(runtime, email).next_due_at == due
    at_eight(runtime, 1)
    assert plan(runtime) == 1
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == [1, 2, 3]
    assert_balanced(runtime)


def test_next_lesson_can_be_requested_once_a_day(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    ask(runtime, email)
    for _ in range(3):
        with pytest.raises(NothingToSend):
            ask(runtime, email)
    send_all(dispatcher)
    clock.advance(days=1)
    ask(runtime, email)
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == [1, 2]
    assert_balanced(runtime)


def test_the_whole_course_can_be_asked_for_and_then_it_is_over(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    for _ in range(9):
        ask(runtime, email)
        send_all(dispatcher)
        clock.advance(days=1)
    assert slugs_sent(runtime, email) == list(range(1, 10))
    enrolment = enrolment_of(runtime, email)
    assert (enrolment.status, enrolment.next_due_at) == (EnrolmentStatus.COMPLETED, None)
    with pytest.raises(NothingToSend):
        ask(runtime, email)
    assert_balanced(runtime)


def test_next_lesson_is_refused_for_readers_who_paused_or_left(
    runtime: Runtime, email: str, clock: VirtualClock
) -> None:
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(preferences.pause, clock.now(), person)
    with pytest.raises(NothingToSend):
        ask(runtime, email)
    runtime.database.run(preferences.resume, clock.now(), person)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email, DeliveryKind.WELCOME)[0].id)
    with pytest.raises(NothingToSend):
        ask(runtime, email)
    assert lessons_to(runtime, email) == []


def test_a_pause_right_after_asking_stops_it_and_the_lesson_comes_after_the_pause(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    person = enrolment_of(runtime, email).subscriber_id
    ask(runtime, email)
    runtime.database.run(preferences.pause, clock.now(), person)
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == []
    runtime.database.run(preferences.resume, clock.now(), person)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert slugs_sent(runtime, email) == [1]
    assert_balanced(runtime)


def _cohort(runtime: Runtime, dispatcher: Dispatcher, email: str) -> tuple[int, int]:
    """A campaign in which somebody had a lesson, and the mail that brought it."""
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 24)))
    start(runtime, made)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    return made, next(one.id for one in mails_to(runtime, email) if one.campaign_id == made)


@pytest.mark.parametrize("stop", ["pause", "cancel", "hold"])
@pytest.mark.parametrize("asked_before", [True, False])
def test_a_campaign_that_is_stopped_sends_no_next_lesson(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock, stop: str, asked_before: bool
) -> None:
    made, mail = _cohort(runtime, dispatcher, email)
    stops = {
        "pause": lambda: runtime.database.run(lifecycle.pause, author(runtime), made),
        "cancel": lambda: runtime.database.run(lifecycle.cancel, author(runtime), made),
        "hold": lambda: runtime.database.run(holds.hold_by_admin, clock.now(), f"campaign:{made}", "complaints"),
    }
    if asked_before:
        runtime.database.run(send_next_now, clock.now(), mail)
        stops[stop]()
    else:
        stops[stop]()
        if stop == "cancel":  # then the mail is about the course as its reader follows it elsewhere
            runtime.database.run(send_next_now, clock.now(), mail)
        else:
            with pytest.raises(NothingToSend):
                runtime.database.run(send_next_now, clock.now(), mail)
    send_all(dispatcher)
    sent = [one for one in mails_to(runtime, email) if one.campaign_id == made and one.state == DeliveryState.ACCEPTED]
    assert len(sent) == 1
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        enrolment = enrolments.find(session, made, person.id)
        assert isinstance(enrolment, EnrolmentRow)
        assert not may_ask(session, enrolment, subscribers.load_schedule(session, person.id), clock.now())


def test_a_next_lesson_that_could_not_go_out_comes_at_its_readers_hour_and_not_at_night(
    runtime: Runtime, dispatcher: Dispatcher, email: str, clock: VirtualClock
) -> None:
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    runtime.database.run(holds.hold_by_admin, clock.now(), "all", "the relay moves")
    runtime.database.run(send_next_now, clock.now(), lessons_to(runtime, email)[0].id)
    send_all(dispatcher)
    clock.advance(hours=19)  # 03:00
    runtime.database.run(holds.release, clock.now(), "all")
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED, DeliveryState.CANCELLED]
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 2
    assert audit(runtime.database, clock.now(), timedelta(minutes=10)).findings == ()
