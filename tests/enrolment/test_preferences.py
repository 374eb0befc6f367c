"""What readers change: their hour, their consent, leaving, and coming back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.support.builders import (
    at_eight,
    course_of,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    reader_with_lesson,
    send_all,
    welcome_id,
)

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, DeliveryState, EnrolmentRow, EnrolmentStatus, SubscriberStatus
from rugcourse.db.queries import enrolments, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.scheduling import Schedule


def test_returning_reader_continues_where_they_left(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    for day in range(3):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), lessons_to(runtime, email)[-1].id)
    clock.advance(days=30)
    make_pending(runtime, email)
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id)
    at_eight(runtime, 34)
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED] * 4


def test_changed_hour_applies_to_the_next_lesson(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, hour=8)
    runtime.database.run(
        preferences.change_schedule,
        clock.now(),
        enrolment_of(runtime, email).subscriber_id,
        Schedule("Europe/Amsterdam", 20),
    )
    at_eight(runtime)
    assert plan(runtime) == 0
    clock.advance(hours=12)
    assert plan(runtime) == 1


def test_every_consent_change_is_recorded(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(preferences.set_measuring, clock.now(), person, agreed=True)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[0].id)
    with runtime.database.read() as session:
        history = [(one.purpose, one.granted) for one in subscribers.consents(session, person)]
        found = subscribers.by_email(session, email)
    assert history == [
        ("lessons", True), ("measuring", False), ("news", True), ("lessons", True), ("measuring", True),
        ("lessons", False), ("measuring", False), ("news", False),
    ]  # fmt: skip
    assert found is not None
    assert found.status == SubscriberStatus.LEFT
    with pytest.raises(preferences.NotAReader):
        runtime.database.run(preferences.resume, clock.now(), person)


def test_unsubscribe_can_be_undone_for_a_month_and_the_course_continues(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), welcome_id(runtime, email))
    assert enrolment_of(runtime, email).next_due_at is None
    clock.advance(days=29)
    runtime.database.run(preferences.come_back, clock.now(), welcome_id(runtime, email))
    assert plan(runtime) == 1
    send_all(dispatcher)
    assert [one.lesson_id for one in lessons_to(runtime, email)] == [1, 2]
    runtime.database.run(preferences.unsubscribe, clock.now(), welcome_id(runtime, email))
    clock.advance(days=31)
    with pytest.raises(preferences.TooLate):
        runtime.database.run(preferences.come_back, clock.now(), welcome_id(runtime, email))


def test_resubscribing_is_refused_for_unknown_and_suppressed_readers(runtime: Runtime, clock: VirtualClock) -> None:
    pending, suppressed = make_pending(runtime), make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, suppressed, "complaint")
    for mail in (mails_to(runtime, pending)[0], mails_to(runtime, suppressed)[0]):
        with pytest.raises(preferences.NotAReader):
            runtime.database.run(preferences.come_back, clock.now(), mail.id)
    with pytest.raises(preferences.NotAReader):
        runtime.database.run(preferences.come_back, clock.now(), 999_999)


def test_undoing_unsubscribe_ignores_an_unconfirmed_signup(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, hour=8)
    mail = mails_to(runtime, email)[-1].id
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    make_pending(runtime, email, zone="Asia/Tokyo", hour=3)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert subscribers.load_schedule(session, person.id).hour == 8
        assert person.pending_signup is None


def test_reconciliation_finds_readers_forgotten_after_a_pause(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    person = enrolment_of(runtime, email)
    runtime.database.run(preferences.pause, clock.now(), person.subscriber_id, clock.now() + timedelta(days=1))
    with runtime.database.write() as session:
        session.get_one(EnrolmentRow, person.id).next_due_at = None
    assert audit(runtime.database, clock.now(), timedelta(0)).balanced
    clock.advance(days=2)
    assert not audit(runtime.database, clock.now(), timedelta(0)).balanced


@pytest.mark.parametrize(
    ("to", "local_date"), [("Asia/Tokyo", date(2026, 11, 24)), ("Pacific/Honolulu", date(2026, 11, 23))]
)
def test_changing_the_timezone_gives_at_most_one_lesson_per_local_date(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, to: str, local_date: date
) -> None:
    email = make_reader(runtime, zone="America/Los_Angeles", hour=8)
    send_all(dispatcher)
    clock.move_to(datetime(2026, 11, 23, 16, 0, tzinfo=UTC))
    plan(runtime)
    send_all(dispatcher)
    person = enrolment_of(runtime, email).subscriber_id
    clock.advance(minutes=10)
    runtime.database.run(preferences.change_schedule, clock.now(), person, Schedule(to, 8))
    assert enrolment_of(runtime, email).last_local_date == local_date
    for _ in range(24 * 3):
        clock.advance(hours=1)
        plan(runtime)
        send_all(dispatcher)
    at = [one.settled_at for one in lessons_to(runtime, email) if one.settled_at]
    assert len(at) >= 3
    for zone in (ZoneInfo("America/Los_Angeles"), ZoneInfo(to)):
        dates = [one.astimezone(zone).date() for one in at[:2]]
        assert len(set(dates)) == 2


def _finished_reader(runtime: Runtime, dispatcher: Dispatcher) -> str:
    email = make_reader(runtime)
    send_all(dispatcher)
    for day in range(12):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    return email


def test_leaving_a_completed_course_prevents_lessons_inserted_later(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = _finished_reader(runtime, dispatcher)
    mails = lessons_to(runtime, email)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.COMPLETED
    runtime.database.run(preferences.leave_course, clock.now(), mails[0].id)
    with runtime.database.write() as session:
        enrolments.reopen(session, course_of(runtime).id, 1, clock.now(), finished_too=True)
    at_eight(runtime, 13)
    plan(runtime)
    assert len(lessons_to(runtime, email)) == len(mails)
    assert enrolment_of(runtime, email).next_due_at is None


def test_returning_reader_gets_a_lesson_inserted_meanwhile(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = _finished_reader(runtime, dispatcher)
    mail = lessons_to(runtime, email)[0].id
    runtime.database.run(preferences.unsubscribe, clock.now(), mail)
    with runtime.database.write() as session:
        enrolments.reopen(session, course_of(runtime).id, 9, clock.now(), finished_too=True)
        session.get_one(EnrolmentRow, enrolment_of(runtime, email).id).next_position = 9
    plan(runtime)
    runtime.database.run(preferences.come_back, clock.now(), mail)
    assert enrolment_of(runtime, email).next_due_at is not None
