"""Confirming: once, within a week, and only then is anything agreed to."""

from __future__ import annotations

import pytest
from tests.support.builders import COURSE, course_of, enrolment_of, mails_to, make_pending, make_reader, send_all
from tests.support.jobs import imported
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, EnrolmentStatus
from rugcourse.db.queries import subscribers
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import NotConfirmable, confirm, refuse
from rugcourse.enrolment.signup import Signup, sign_up
from rugcourse.privacy.retention import forget
from rugcourse.scheduling import Schedule


def test_confirmation_is_idempotent(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    [mail] = mails_to(runtime, email)
    first = runtime.database.run(confirm, clock.now(), runtime.signer, mail.id)
    assert runtime.database.run(confirm, clock.now(), runtime.signer, mail.id) == first
    assert len(mails_to(runtime, email, DeliveryKind.WELCOME)) == 1
    assert enrolment_of(runtime, email).next_position == 1


def test_confirmation_expires_after_a_week_and_is_personal(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    reader = make_reader(runtime)
    with pytest.raises(NotConfirmable):
        runtime.database.run(
            confirm, clock.now(), runtime.signer, mails_to(runtime, reader, DeliveryKind.WELCOME)[0].id
        )
    with pytest.raises(NotConfirmable):
        runtime.database.run(confirm, clock.now(), runtime.signer, 999_999)
    clock.advance(days=7)
    with pytest.raises(NotConfirmable):
        runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email)[0].id)


def test_delayed_confirmation_mail_is_valid_for_the_full_period(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    runtime.database.run(holds.hold_by_admin, clock.now(), "all", "the relay moves")
    email = make_pending(runtime)
    clock.advance(days=8)
    forget(runtime.database, clock, runtime.signer, runtime.retention)
    runtime.database.run(holds.release, clock.now(), "all")
    send_all(dispatcher)
    clock.advance(days=6)
    forget(runtime.database, clock, runtime.signer, runtime.retention)
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email)[0].id)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.ACTIVE


def consents_of(runtime: Runtime, email: str) -> list[tuple[str, bool, str]]:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return [(one.purpose, one.granted, one.source) for one in subscribers.consents(session, person.id)]


def test_signup_records_no_consent_before_confirmation(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    clock.advance(days=1)
    make_pending(runtime, email)
    assert consents_of(runtime, email) == []
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id
    runtime.database.run(confirm, clock.now(), runtime.signer, mail, measuring=True)
    given = {"lessons": True, "measuring": True, "news": False}
    assert consents_of(runtime, email) == [
        (one, given[one], "confirm") for one in ("lessons", "measuring", "news", "lessons")
    ]


@pytest.mark.parametrize("ticked", [True, False])
def test_returning_reader_is_measured_only_after_a_new_consent(
    runtime: Runtime, clock: VirtualClock, ticked: bool
) -> None:
    email = make_reader(runtime)
    runtime.database.run(
        preferences.set_measuring, clock.now(), enrolment_of(runtime, email).subscriber_id, agreed=True
    )
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=1)
    make_pending(runtime, email)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id
    runtime.database.run(confirm, clock.now(), runtime.signer, mail, measuring=ticked)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert person.tracking_consent == ticked


def test_refusing_a_confirmation_stops_all_later_confirmations(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_pending(runtime)
    send_all(dispatcher)
    runtime.database.run(refuse, clock.now(), runtime.signer, mails_to(runtime, email)[0].id)
    with runtime.database.read() as session:
        assert subscribers.by_email(session, email) is None
    clock.advance(days=40)
    signup = Signup(email, "Sam", Schedule("Europe/Amsterdam", 8))
    runtime.database.run(sign_up, clock, runtime.signer, course_of(runtime), signup, "nl")
    send_all(dispatcher)
    assert len(sink.to(email)) == 1
    reader = make_reader(runtime)
    with pytest.raises(NotConfirmable):  # who reads a course leaves it instead
        runtime.database.run(refuse, clock.now(), runtime.signer, mails_to(runtime, reader)[0].id)


@pytest.mark.parametrize("course", [COURSE, "stress-en-rugpijn"])
@pytest.mark.parametrize(("chooses", "hour"), [(True, 20), (False, 7)])
def test_confirmation_after_an_import_keeps_the_readers_latest_choices(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, course: str, chooses: bool, hour: int
) -> None:
    email = make_pending(runtime, "one@x.example", hour=7)
    send_all(dispatcher)
    imported(runtime, "E-mail,Naam\none@x.example,Ann\n", course=course)
    mail = mails_to(runtime, email, DeliveryKind.CONFIRM)[0]
    if chooses:
        runtime.database.run(
            preferences.change_schedule, clock.now(), mail.subscriber_id, Schedule("Europe/Amsterdam", 20)
        )
    runtime.database.run(confirm, clock.now(), runtime.signer, mail.id)
    with runtime.database.read() as session:
        assert subscribers.load_schedule(session, mail.subscriber_id).hour == hour
