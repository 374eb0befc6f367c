"""Signing up: what is typed, what is refused, and how often somebody is asked to confirm."""

from __future__ import annotations

import json
import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from tests.support.builders import (
    enrolment_of,
    lessons_to,
    mails_to,
    make_pending,
    make_reader,
    reader_with_lesson,
    send_all,
)
from tests.support.campaigns import sign_up_for_another_course
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryKind, DeliveryState, EnrolmentStatus, SubscriberRow
from rugcourse.db.queries import subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.signup import (
    MAX_CONFIRMATION_MAILS,
    InvalidForm,
    PendingSignup,
    SignupField,
    SignupForm,
    check,
    clean_name,
    normalise_email,
)
from rugcourse.enrolment.suppression import lift
from rugcourse.privacy.retention import forget

GOOD = SignupForm(email="sam@x.example", name="Sam", zone="Europe/Amsterdam", hour="8", days=("0", "1"), consent="yes")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Sam@Example.ORG", "sam@example.org"),
        ("  sam@example.org \n", "sam@example.org"),
        ("sam@bücher.example.org", "sam@xn--bcher-kva.example.org"),
        ("a+b.c@example.org", "a+b.c@example.org"),
    ],
)
def test_signup_normalises_the_address(typed: str, kept: str) -> None:
    assert normalise_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "sam", "a@b@c.example", "sam@", "@x.org", "sam@x.org\r\nBcc: all@x.org", "sam\0@x.org", "sam\u2028@x.org",
     "zoë@x.org", "sam@x..org", "x" * 10_000 + "@x.org", "sam@-x.org", "<sam@x.org>", "sam@localhost"],
)  # fmt: skip
def test_signup_refuses_invalid_addresses(typed: str) -> None:
    assert normalise_email(typed) is None


@pytest.mark.parametrize(
    "name", ["http://x.example", "www.x.example", "a@b.c", "<b>x</b>", "x" * 61, "x" * 10_000, "a/b"]
)
def test_signup_refuses_names_with_links_or_markup(name: str) -> None:
    assert clean_name(name) is None


@given(st.text(max_size=100))
def test_clean_name_removes_line_ends_and_control_characters(text: str) -> None:
    name = clean_name(text)
    assert name is None or not any(unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp"} for one in name)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"email": "x"}, SignupField.EMAIL), ({"name": "www.x"}, SignupField.NAME), ({"zone": "Mars"}, SignupField.ZONE), ({"hour": "24"}, SignupField.HOUR),
     ({"hour": "8\n"}, SignupField.HOUR), ({"days": ()}, SignupField.DAYS), ({"days": ("7",)}, SignupField.DAYS), ({"consent": ""}, SignupField.CONSENT)],
)  # fmt: skip
def test_signup_names_each_wrong_field(changes: dict[str, object], field: SignupField) -> None:
    with pytest.raises(InvalidForm) as caught:
        check(GOOD.model_copy(update=changes))
    assert caught.value.fields == {field}


def test_a_signup_that_waits_for_its_confirmation_is_stored_whole() -> None:
    signup = check(GOOD)
    stored = PendingSignup.of(signup, "en").model_dump()
    assert json.loads(json.dumps(stored)) == stored
    again = PendingSignup.model_validate(stored)
    assert (again.signup(signup.email), again.language) == (signup, "en")


@pytest.mark.parametrize("more", [{}, {"every_days": 2}, {"every_days": 1, "shoe_size": 44}])
def test_a_signup_that_another_release_stored_is_applied(
    runtime: Runtime, clock: VirtualClock, more: dict[str, object]
) -> None:
    """An older one has fewer fields. A newer one, which shares the database during an upgrade, has more."""
    email = make_reader(runtime, hour=8)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    make_pending(runtime, email)
    stored = {"name": "Kim", "language": "en", "zone": "Asia/Tokyo", "hour": 3, "weekdays": [0, 4], **more}
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).values(pending_signup=stored))
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert (person.name, person.language, person.pending_signup) == ("Kim", "en", None)
        kept = subscribers.load_schedule(session, person.id)
    assert (kept.zone, kept.hour, sorted(kept.weekdays)) == ("Asia/Tokyo", 3, [0, 4])
    assert kept.every_days == more.get("every_days", 1)


def test_signup_of_one_address_sends_one_confirmation_a_day(runtime: Runtime, clock: VirtualClock) -> None:
    for _ in range(60):
        make_pending(runtime, "sam@x.example")
    assert len(mails_to(runtime, "sam@x.example")) == 1
    clock.advance(days=1)
    make_pending(runtime, "SAM@x.example".lower())
    assert len(mails_to(runtime, "sam@x.example")) == 2


def test_signup_by_a_stranger_changes_nothing_for_a_reader(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, hour=8)
    make_pending(runtime, email, hour=3)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert subscribers.load_schedule(session, person.id).hour == 8
    assert [one.kind for one in mails_to(runtime, email)] == ["confirm", "welcome", "already"]


def test_confirmation_mail_contains_nothing_from_the_form(runtime: Runtime, dispatcher: Dispatcher, sink: Sink) -> None:
    make_pending(runtime)
    send_all(dispatcher)
    [mail] = sink.taken
    assert b"Sam" not in mail.raw
    assert b"Reader" not in mail.raw


def test_returning_reader_gets_mail_at_the_hour_they_confirmed(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, hour=8)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=200)
    make_pending(runtime, email, zone="Asia/Tokyo", hour=20)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert subscribers.load_schedule(session, person.id).hour == 8  # anybody can have typed it
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].id)
    with runtime.database.read() as session:
        schedule = subscribers.load_schedule(session, person.id)
    due = enrolment_of(runtime, email).next_due_at
    assert (schedule.zone, schedule.hour) == ("Asia/Tokyo", 20)
    assert due is not None
    assert due.astimezone(ZoneInfo("Asia/Tokyo")).hour == 20


def test_retention_keeps_a_returning_reader_until_they_can_confirm(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), lessons_to(runtime, email)[0].id)
    clock.advance(days=runtime.retention.left_days + 1)
    make_pending(runtime, email)
    forget(runtime.database, clock, runtime.signer, runtime.retention)
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email)[-1].id)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.ACTIVE


def test_confirmation_limit_outlasts_the_deletion_of_a_pending_reader(
    runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher, sink: Sink
) -> None:
    for _ in range(29):
        make_pending(runtime, "sam@x.example")
        send_all(dispatcher)
        clock.advance(days=1)
        forget(runtime.database, clock, runtime.signer, runtime.retention)
    assert len(sink.to("sam@x.example")) == 3
    clock.advance(days=31)
    forget(runtime.database, clock, runtime.signer, runtime.retention)
    make_pending(runtime, "sam@x.example")
    send_all(dispatcher)
    assert len(sink.to("sam@x.example")) == 4


def test_signup_sends_at_most_three_confirmations_in_thirty_days(runtime: Runtime, clock: VirtualClock) -> None:
    for _ in range(20):
        email = make_pending(runtime, "sam@x.example")
        clock.advance(days=1)
    assert len(mails_to(runtime, email)) == 3
    clock.advance(days=11)
    make_pending(runtime, email)
    assert len(mails_to(runtime, email)) == 4


@pytest.mark.parametrize("kind", [BounceType.HARD, BounceType.SOFT])
def test_signup_after_a_bounced_confirmation_sends_another_the_same_day(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, kind: BounceType
) -> None:
    email = make_pending(runtime, "two@x.example")
    send_all(dispatcher)
    [first] = mails_to(runtime, email, DeliveryKind.CONFIRM)
    report = BounceReport(kind, "5.1.1" if kind == BounceType.HARD else "4.2.2", "no", (first.message_id or "",))
    runtime.bounce_handler.handle_event(ProviderEvent(report, "", email, clock.now()))
    clock.advance(minutes=30)
    if kind == BounceType.HARD:
        runtime.database.run(lift, clock.now(), runtime.signer, email)
    for _ in range(3):
        make_pending(runtime, email)
        send_all(dispatcher)
    states = [one.state for one in mails_to(runtime, email, DeliveryKind.CONFIRM)]
    assert states == [DeliveryState.FAILED, DeliveryState.ACCEPTED]


def test_confirmations_for_another_course_are_limited_for_readers(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    asked = len(mails_to(runtime, email, DeliveryKind.CONFIRM))
    for _ in range(MAX_CONFIRMATION_MAILS + 5):
        clock.advance(days=1)
        sign_up_for_another_course(runtime, email)
    assert len(mails_to(runtime, email, DeliveryKind.CONFIRM)) - asked == MAX_CONFIRMATION_MAILS
