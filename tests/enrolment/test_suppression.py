"""Addresses that must not be written to, and when that ends."""

from __future__ import annotations

import pytest
from tests.support.builders import (
    at_eight,
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    plan,
    reader_with_lesson,
    send_all,
)
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import BOUNCE, COMPLAINT, EnrolmentStatus, SubscriberStatus
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.signup import may_sign_up
from rugcourse.enrolment.suppression import check_key, lift, suppress_address
from rugcourse.links import Signer
from rugcourse.settings import SettingsError


def test_suppressed_address_gets_no_mail_after_a_signup(
    runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher, sink: Sink
) -> None:
    runtime.database.run(suppress_address, clock.now(), runtime.signer, "Never@X.example", "operator")
    with pytest.raises(AssertionError):
        mails_to(runtime, make_pending(runtime, "never@x.example"))
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "operator")
    at_eight(runtime)
    plan(runtime)
    send_all(dispatcher)
    assert sink.count == 0


def test_lifting_a_suppression_resumes_the_course(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    """Their hour passed meanwhile, so nothing was due any more."""
    email = reader_with_lesson(runtime, dispatcher)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    at_eight(runtime, 1)
    plan(runtime)
    clock.advance(hours=2)
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    for day in (2, 3):
        at_eight(runtime, day)
        plan(runtime)
        send_all(dispatcher)
    assert len(lessons_to(runtime, email)) == 3


def test_complaint_overrides_an_earlier_bounce(runtime: Runtime, clock: VirtualClock) -> None:
    """Lifting the suppression brings back who could not be reached, and not who called it spam."""
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, COMPLAINT)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, "bounce")
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    assert person.status == SubscriberStatus.LEFT


def test_missing_suppression_key_is_reported(runtime: Runtime, clock: VirtualClock) -> None:
    old, new = Signer.from_texts(["newer", "oldest"]), Signer.from_texts(["newest", "newer"])
    runtime.database.run(check_key, old)
    runtime.database.run(check_key, new)  # nobody is on the list yet
    runtime.database.run(check_key, old)
    runtime.database.run(suppress_address, clock.now(), old, "sam@x.example", COMPLAINT)
    for signer in (old, Signer.from_texts(["newest", "newer"], "oldest")):
        runtime.database.run(check_key, signer)
        with runtime.database.read() as session:
            assert not may_sign_up(session, signer, "sam@x.example")
    with pytest.raises(SettingsError, match="RUGCOURSE_SUPPRESSION_KEY"):
        runtime.database.run(check_key, new)


def test_course_can_be_left_while_suppressed(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, BOUNCE)
    runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, email)[-1].id)
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.LEFT
