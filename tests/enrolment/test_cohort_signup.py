"""Readers of a cohort who sign up, leave, and come back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.builders import at_eight, course_of, mails_to, make_reader, plan, reader_with_lesson, send_all
from tests.support.campaigns import (
    author,
    draft,
    enrol,
    enrolled,
    enrolments_of,
    lessons_of,
    read_on,
    reader_of_another_course,
    sign_up_again,
    sign_up_for_another_course,
    start,
)
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.campaigns import lifecycle
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind, DeliveryKind, DeliveryState
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.magic_link import request_link
from rugcourse.scheduling import Timing

pytestmark = pytest.mark.usefixtures("counters_are_right")


@pytest.fixture
def cohort(runtime: Runtime, dispatcher: Dispatcher) -> tuple[int, str]:
    """A cohort, and its only reader, who has had the first lesson."""
    email = reader_of_another_course(runtime, "new@x.example")
    send_all(dispatcher)
    at_eight(runtime)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    plan(runtime)
    send_all(dispatcher)
    assert len(lessons_of(runtime, made, email)) == 1
    return made, email


def test_signup_by_a_cohort_reader_says_they_are_already_subscribed(runtime: Runtime, cohort: tuple[int, str]) -> None:
    made, email = cohort
    assert sign_up_again(runtime, email) == DeliveryKind.ALREADY_SUBSCRIBED
    assert enrolled(runtime, course_of(runtime).campaign_id) == set()
    assert made in {one.campaign_id for one in enrolments_of(runtime, email)}


def test_signup_after_leaving_a_cohort_continues_the_cohort(
    runtime: Runtime, dispatcher: Dispatcher, cohort: tuple[int, str]
) -> None:
    made, email = cohort
    runtime.database.run(
        preferences.leave_course, runtime.clock.now(), mails_to(runtime, email, DeliveryKind.LESSON)[-1].id
    )
    assert sign_up_again(runtime, email) == DeliveryKind.CONFIRM
    read_on(runtime, dispatcher)
    assert len(lessons_of(runtime, made, email)) == len(course_of(runtime).course.lessons)
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == []


@pytest.mark.parametrize("swept", [True, False])
def test_signup_after_a_cancelled_cohort_starts_the_course_anew(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, cohort: tuple[int, str], swept: bool
) -> None:
    made, email = cohort
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    if swept:
        lifecycle.cancel_remaining(runtime.database, clock)
    assert sign_up_again(runtime, email) == DeliveryKind.CONFIRM
    lifecycle.cancel_remaining(runtime.database, clock)
    read_on(runtime, dispatcher)
    lessons = list(course_of(runtime).lesson_ids.values())
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == lessons
    assert lessons_of(runtime, made, email) == lessons[:1]


def test_unsubscribe_link_of_a_cancelled_cohort_ends_the_active_run_of_the_course(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, cohort: tuple[int, str]
) -> None:
    made, email = cohort
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    lifecycle.cancel_remaining(runtime.database, clock)
    sign_up_again(runtime, email)
    old = next(one for one in mails_to(runtime, email, DeliveryKind.LESSON) if one.campaign_id == made)
    runtime.database.run(preferences.leave_course, clock.now(), old.id)
    read_on(runtime, dispatcher)
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == []


def test_magic_link_is_mailed_after_the_cohort_was_cancelled(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, cohort: tuple[int, str]
) -> None:
    made, email = cohort
    runtime.database.run(lifecycle.cancel, author(runtime), made)
    lifecycle.cancel_remaining(runtime.database, clock)
    runtime.database.run(request_link, clock.now(), email)
    [link] = mails_to(runtime, email, DeliveryKind.MAGIC_LINK)
    assert link.campaign_id == made
    sink.fault = lambda _: Fault("rcpt", "451 4.7.1 greylisted")
    send_all(dispatcher)
    sink.fault = lambda _: None
    assert lifecycle.cancel_remaining(runtime.database, clock) == 0
    clock.advance(minutes=10)
    send_all(dispatcher)
    assert [one.state for one in mails_to(runtime, email, DeliveryKind.MAGIC_LINK)] == [DeliveryState.ACCEPTED]


def test_undoing_unsubscribe_restores_only_what_it_ended(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    evergreen = course_of(runtime).campaign_id
    runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, email, DeliveryKind.LESSON)[-1].id)
    clock.advance(days=1)
    sign_up_for_another_course(runtime, email)
    asked = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1]
    runtime.database.run(confirm, clock.now(), runtime.signer, asked.id)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    mail = mails_to(runtime, email)[-1].id
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    read_on(runtime, dispatcher)
    assert asked.campaign_id is not None
    assert len(lessons_of(runtime, asked.campaign_id, email)) == 3
    assert len(lessons_of(runtime, evergreen, email)) == 1
    assert lessons_of(runtime, made, email) == []  # it came as other news, which undoing does not bring back


@pytest.mark.parametrize("how", ["undo", "confirm"])
@pytest.mark.parametrize("when", ["before the start", "before they are enrolled"])
def test_reader_who_returns_during_enrolment_of_a_cohort_gets_no_second_run(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, when: str, how: str
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    mail = mails_to(runtime, email, DeliveryKind.LESSON)[-1].id

    def come_back() -> None:
        clock.advance(minutes=5)
        if how == "undo":
            runtime.database.run(preferences.come_back, clock.now(), mail)
        else:
            assert sign_up_again(runtime, email) == DeliveryKind.CONFIRM

    runtime.database.run(preferences.leave_course, clock.now(), mail)
    clock.advance(minutes=5)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    if when == "before the start":
        come_back()
        with pytest.raises(lifecycle.AudienceChanged):
            runtime.database.run(lifecycle.start, author(runtime), made, again=1)
        return
    runtime.database.run(lifecycle.start, author(runtime), made, again=1)
    come_back()
    enrol(runtime)
    assert enrolled(runtime, made) == set()
    read_on(runtime, dispatcher)
    lessons = list(course_of(runtime).lesson_ids.values())
    assert lessons_of(runtime, course_of(runtime).campaign_id, email) == lessons


@pytest.mark.parametrize("way", ["leave", "unsubscribe"])
@pytest.mark.parametrize(("first", "second"), [(3, 9), (3, 7), (9, 3)])
def test_signup_after_two_runs_continues_the_latest_run(
    runtime: Runtime, dispatcher: Dispatcher, first: int, second: int, way: str
) -> None:
    """`first`, `second`: how many lessons they had in each run."""
    email = make_reader(runtime)
    evergreen, lessons = course_of(runtime).campaign_id, list(course_of(runtime).lesson_ids.values())
    read_days(runtime, dispatcher, first)
    if first < len(lessons):
        runtime.database.run(preferences.leave_course, runtime.clock.now(), mails_to(runtime, email)[-1].id)
    made = draft(runtime, CampaignKind.COHORT, Timing())
    start(runtime, made)
    plan(runtime)  # it begins at this hour
    send_all(dispatcher)
    read_days(runtime, dispatcher, second - 1)
    assert (lessons_of(runtime, evergreen, email), lessons_of(runtime, made, email)) == (
        lessons[:first],
        lessons[:second],
    )
    stop = preferences.leave_course if way == "leave" else preferences.unsubscribe
    if second < len(lessons) or way == "unsubscribe":
        runtime.database.run(stop, runtime.clock.now(), mails_to(runtime, email)[-1].id)
    asked = DeliveryKind.ALREADY_SUBSCRIBED if (second, way) == (len(lessons), "leave") else DeliveryKind.CONFIRM
    assert sign_up_again(runtime, email) == asked
    read_days(runtime, dispatcher, 10)
    assert (lessons_of(runtime, evergreen, email), lessons_of(runtime, made, email)) == (lessons[:first], lessons)


def read_days(runtime: Runtime, dispatcher: Dispatcher, count: int) -> None:
    """As many days, with a lesson in the morning of each."""
    assert isinstance(runtime.clock, VirtualClock)
    for _ in range(count):
        runtime.clock.move_to((runtime.clock.now() + timedelta(days=1)).replace(hour=7))
        plan(runtime)
        send_all(dispatcher)
