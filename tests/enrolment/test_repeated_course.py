"""A course twice: who finished it, and left it in a later campaign, gets nothing more through the first one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.support.builders import COURSE, course_of, enrolment_of, lessons_to, make_reader, plan, send_all
from tests.support.campaigns import draft, start
from tests.support.course_edits import inserted, pass_days, publish
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.publishing import AlreadyPast, unpublish
from rugcourse.db.models import CampaignKind, DeliveryRow, DeliveryState, EnrolmentRow, EnrolmentStatus, LessonRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.delivery.resend import resend
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Timing

NEW = "ertussen"
LESSONS = 9


def finished(runtime: Runtime, dispatcher: Dispatcher) -> str:
    email = make_reader(runtime)
    pass_days(runtime, dispatcher, LESSONS)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    return email


def begin_again(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """A cohort for all, also for who had the course; its first lesson goes out."""
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(minutes=2)
    start(runtime, draft(runtime, CampaignKind.COHORT, Timing()))
    plan(runtime)
    send_all(dispatcher)
    pass_days(runtime, dispatcher, 1)


def leave(runtime: Runtime, email: str) -> None:
    """Stop the course by a link of the newest mail."""
    runtime.database.run(preferences.leave_course, runtime.clock.now(), lessons_to(runtime, email)[-1].id)
    assert isinstance(runtime.clock, VirtualClock)
    runtime.clock.advance(hours=1)


def slugs_had(runtime: Runtime, email: str) -> list[str]:
    with runtime.database.read() as session:
        names = dict(iter(session.execute(select(LessonRow.id, LessonRow.slug))))
    return [names[one.lesson_id or 0] for one in lessons_to(runtime, email) if one.state == DeliveryState.ACCEPTED]


def statuses(runtime: Runtime) -> list[str]:
    with runtime.database.read() as session:
        return list(session.scalars(select(EnrolmentRow.status).order_by(EnrolmentRow.id)))


def balances(runtime: Runtime) -> bool:
    return audit(runtime.database, runtime.clock.now(), timedelta(days=30)).findings == ()


def test_a_lesson_for_who_finished_does_not_go_to_who_left_a_later_run(
    runtime: Runtime, dispatcher: Dispatcher
) -> None:
    email = finished(runtime, dispatcher)
    begin_again(runtime, dispatcher)
    leave(runtime, email)
    before = slugs_had(runtime, email)
    publish(runtime, inserted(runtime, 2), behind=AlreadyPast.FINISHED)
    pass_days(runtime, dispatcher, 3)
    assert slugs_had(runtime, email) == before
    assert balances(runtime)


def test_a_lesson_for_who_finished_goes_to_who_left_an_earlier_run_and_had_all_of_another(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    pass_days(runtime, dispatcher, 3)
    leave(runtime, email)
    begin_again(runtime, dispatcher)
    pass_days(runtime, dispatcher, LESSONS)
    assert statuses(runtime) == [EnrolmentStatus.LEFT, EnrolmentStatus.COMPLETED]
    publish(runtime, inserted(runtime, 2), behind=AlreadyPast.FINISHED)
    pass_days(runtime, dispatcher, 2)
    assert slugs_had(runtime, email).count(NEW) == 1
    assert balances(runtime)


@pytest.mark.parametrize("way", ["report", "resend"])
def test_a_lesson_that_did_not_arrive_does_not_go_again_to_who_left_a_later_run(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, way: str
) -> None:
    email = finished(runtime, dispatcher)
    last = lessons_to(runtime, email)[-1]
    begin_again(runtime, dispatcher)
    if way == "resend":
        with runtime.database.write() as session:
            session.get_one(DeliveryRow, last.id).state = DeliveryState.UNKNOWN
    leave(runtime, email)
    if way == "resend":
        runtime.database.run(resend, clock.now(), [last.id])
    else:
        report = BounceReport(BounceType.SOFT, "4.2.2", "full", (last.message_id or "",))
        runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now()))
    before = slugs_had(runtime, email)
    assert lessons_to(runtime, email)[LESSONS - 1].state == DeliveryState.CANCELLED
    assert statuses(runtime) == [EnrolmentStatus.COMPLETED, EnrolmentStatus.LEFT]
    pass_days(runtime, dispatcher, 3)
    assert slugs_had(runtime, email) == before
    assert balances(runtime)


def test_a_lesson_that_is_put_back_does_not_go_to_who_left_a_later_run(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    publish(runtime, inserted(runtime, 3))
    with_it = course_of(runtime).course
    email = make_reader(runtime)
    pass_days(runtime, dispatcher, 2)
    clock.advance(days=1)
    plan(runtime)
    runtime.database.run(preferences.pause, clock.now(), enrolment_of(runtime, email).subscriber_id)
    runtime.database.run(unpublish, clock.now(), None, COURSE, NEW)
    runtime.database.run(preferences.resume, clock.now(), enrolment_of(runtime, email).subscriber_id)
    pass_days(runtime, dispatcher, LESSONS)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    begin_again(runtime, dispatcher)
    leave(runtime, email)
    before = slugs_had(runtime, email)
    import_course(runtime.database, clock, [with_it])
    pass_days(runtime, dispatcher, 4)
    assert slugs_had(runtime, email) == before
    assert balances(runtime)


def test_undoing_unsubscribe_sends_an_inserted_lesson_in_one_run_only(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = finished(runtime, dispatcher)
    begin_again(runtime, dispatcher)
    mail = lessons_to(runtime, email)[-1].id
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    publish(runtime, inserted(runtime, 2), behind=AlreadyPast.FINISHED)
    clock.advance(hours=1)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    pass_days(runtime, dispatcher, 15)
    had = slugs_had(runtime, email)
    assert (had.count(NEW), len(had)) == (1, 2 * LESSONS + 1)
    assert balances(runtime)


def test_undoing_to_leave_a_course_that_was_finished_brings_a_lesson_for_who_finished(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = finished(runtime, dispatcher)
    leave(runtime, email)
    publish(runtime, inserted(runtime, 3), behind=AlreadyPast.FINISHED)
    clock.advance(hours=1)
    runtime.database.run(preferences.come_back, clock.now(), lessons_to(runtime, email)[-1].id)
    pass_days(runtime, dispatcher, 3)
    assert slugs_had(runtime, email).count(NEW) == 1
    assert balances(runtime)


def test_returning_reader_gets_the_pending_last_lesson_of_an_earlier_run(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    """It was put off, so that run has no lesson left to plan, and stands finished."""
    email = make_reader(runtime)
    pass_days(runtime, dispatcher, LESSONS - 2)
    begin_again(runtime, dispatcher)
    sink.fault = lambda _: Fault("rcpt", "451 4.7.1 greylisted")
    pass_days(runtime, dispatcher, 1)
    sink.fault = lambda _: None
    assert statuses(runtime) == [EnrolmentStatus.COMPLETED, EnrolmentStatus.ACTIVE]
    waits = [one for one in lessons_to(runtime, email) if one.state == DeliveryState.PLANNED]
    last = min(waits, key=lambda one: one.enrolment_id or 0)
    arrived = [one for one in lessons_to(runtime, email) if one.state == DeliveryState.ACCEPTED]
    runtime.database.run(preferences.leave_course, clock.now(), arrived[-1].id)
    before = slugs_had(runtime, email)
    clock.advance(hours=1)
    send_all(dispatcher)
    assert slugs_had(runtime, email) == before
    runtime.database.run(preferences.come_back, clock.now(), arrived[-1].id)
    pass_days(runtime, dispatcher, 3)
    assert next(one.state for one in lessons_to(runtime, email) if one.id == last.id) == DeliveryState.ACCEPTED
    assert balances(runtime)
