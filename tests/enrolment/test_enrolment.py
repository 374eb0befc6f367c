"""Signing up, confirming, changing one's mind."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import (
    COURSE,
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
)
from tests.support.campaigns import sign_up_for_another_course
from tests.support.jobs import imported
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.bounces.handler import ProviderEvent
from rugcourse.bounces.report import BounceReport, BounceType
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    BOUNCE,
    COMPLAINT,
    DeliveryKind,
    DeliveryState,
    EnrolmentRow,
    EnrolmentStatus,
    SubscriberStatus,
)
from rugcourse.db.queries import enrolments, subscribers
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import NotConfirmable, confirm, refuse
from rugcourse.enrolment.magic_link import renew_link, request_link
from rugcourse.enrolment.signup import (
    MOST_ASKED,
    Field,
    Form,
    InvalidForm,
    Signup,
    check,
    clean_name,
    may_sign_up,
    normalise_email,
    sign_up,
)
from rugcourse.enrolment.suppression import check_key, lift, suppress_address
from rugcourse.links import Signer
from rugcourse.privacy.retention import forget
from rugcourse.scheduling import Schedule
from rugcourse.settings import SettingsError

GOOD = Form("sam@x.example", "Sam", "Europe/Amsterdam", "8", ("0", "1"), consent=True)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Sam@Example.ORG", "sam@example.org"),
        ("  sam@example.org \n", "sam@example.org"),
        ("sam@bücher.example.org", "sam@xn--bcher-kva.example.org"),
        ("a+b.c@example.org", "a+b.c@example.org"),
    ],
)
def test_one_mailbox_has_one_spelling(typed: str, kept: str) -> None:
    assert normalise_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "sam", "a@b@c.example", "sam@", "@x.org", "sam@x.org\r\nBcc: all@x.org", "sam\0@x.org", "sam\u2028@x.org",
     "zoë@x.org", "sam@x..org", "x" * 10_000 + "@x.org", "sam@-x.org", "<sam@x.org>", "sam@localhost"],
)  # fmt: skip
def test_what_cannot_be_written_to_is_refused(typed: str) -> None:
    assert normalise_email(typed) is None


@pytest.mark.parametrize(
    "name", ["http://x.example", "www.x.example", "a@b.c", "<b>x</b>", "x" * 61, "x" * 10_000, "a/b"]
)
def test_a_name_that_carries_a_link_or_markup_is_refused(name: str) -> None:
    assert clean_name(name) is None


@given(st.text(max_size=100))
def test_a_name_never_keeps_a_line_end_or_control_character(text: str) -> None:
    name = clean_name(text)
    assert name is None or not any(unicodedata.category(one) in {"Cc", "Cf", "Zl", "Zp"} for one in name)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"email": "x"}, Field.EMAIL), ({"name": "www.x"}, Field.NAME), ({"zone": "Mars"}, Field.ZONE), ({"hour": "24"}, Field.HOUR),
     ({"hour": "8\n"}, Field.HOUR), ({"days": ()}, Field.DAYS), ({"days": ("7",)}, Field.DAYS), ({"consent": False}, Field.CONSENT)],
)  # fmt: skip
def test_each_wrong_field_is_named(changes: dict[str, object], field: Field) -> None:
    from dataclasses import replace

    with pytest.raises(InvalidForm) as caught:
        check(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert caught.value.fields == {field}


def test_one_address_a_thousand_times_gets_one_confirmation_a_day(runtime: Runtime, clock: VirtualClock) -> None:
    for _ in range(60):
        make_pending(runtime, "sam@x.example")
    assert len(mails_to(runtime, "sam@x.example")) == 1
    clock.advance(days=1)
    make_pending(runtime, "SAM@x.example".lower())
    assert len(mails_to(runtime, "sam@x.example")) == 2


def test_a_confirmation_makes_a_reader_once(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    [mail] = mails_to(runtime, email)
    first = runtime.database.run(confirm, clock.now(), runtime.signer, mail.id)
    assert runtime.database.run(confirm, clock.now(), runtime.signer, mail.id) == first
    assert len(mails_to(runtime, email, DeliveryKind.WELCOME)) == 1
    assert enrolment_of(runtime, email).next_position == 1


def test_a_confirmation_ends_after_a_week_and_is_nobody_elses(runtime: Runtime, clock: VirtualClock) -> None:
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


def test_a_stranger_who_signs_a_reader_up_again_changes_nothing(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime, hour=8)
    make_pending(runtime, email, hour=3)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        assert subscribers.load_schedule(session, person.id).hour == 8
    assert [one.kind for one in mails_to(runtime, email)] == ["confirm", "welcome", "already"]


def test_a_suppressed_address_gets_nothing_whoever_signs_it_up(
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


def test_who_left_and_comes_back_goes_on_where_they_were(
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


def test_another_hour_counts_for_the_next_lesson(runtime: Runtime, clock: VirtualClock) -> None:
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


def test_every_change_of_consent_is_kept(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(preferences.set_measuring, clock.now(), person, agreed=True)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[0].id)
    with runtime.database.read() as session:
        history = [(one.purpose, one.given) for one in subscribers.consents(session, person)]
        found = subscribers.by_email(session, email)
    assert history == [
        ("lessons", True), ("measuring", False), ("news", True), ("lessons", True), ("measuring", True),
        ("lessons", False), ("measuring", False), ("news", False),
    ]  # fmt: skip
    assert found is not None
    assert found.status == SubscriberStatus.LEFT
    with pytest.raises(preferences.NotAReader):
        runtime.database.run(preferences.resume, clock.now(), person)


def welcome_id(runtime: Runtime, email: str) -> int:
    return mails_to(runtime, email, DeliveryKind.WELCOME)[0].id


def test_leaving_can_be_undone_for_a_month_and_the_course_goes_on_where_it_was(
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


def test_nobody_comes_back_who_never_was_there_or_is_suppressed(runtime: Runtime, clock: VirtualClock) -> None:
    pending, suppressed = make_pending(runtime), make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, suppressed, "complaint")
    for mail in (mails_to(runtime, pending)[0], mails_to(runtime, suppressed)[0]):
        with pytest.raises(preferences.NotAReader):
            runtime.database.run(preferences.come_back, clock.now(), mail.id)
    with pytest.raises(preferences.NotAReader):
        runtime.database.run(preferences.come_back, clock.now(), 999_999)


def test_a_link_to_the_own_page_is_mailed_once_a_day_and_only_to_readers(runtime: Runtime, clock: VirtualClock) -> None:
    reader, pending, suppressed = make_reader(runtime), make_pending(runtime), make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, suppressed, "complaint")
    for email in (reader, pending, suppressed, "nobody@x.example"):
        for _ in range(3):
            runtime.database.run(request_link, clock.now(), email)
    assert len(mails_to(runtime, reader, DeliveryKind.MAGIC_LINK)) == 1
    assert (
        mails_to(runtime, pending, DeliveryKind.MAGIC_LINK)
        == mails_to(runtime, suppressed, DeliveryKind.MAGIC_LINK)
        == []
    )
    clock.advance(days=1)
    runtime.database.run(renew_link, clock.now(), welcome_id(runtime, reader))
    assert len(mails_to(runtime, reader, DeliveryKind.MAGIC_LINK)) == 2


def test_who_left_can_still_get_the_link_to_see_and_erase_what_is_kept(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), welcome_id(runtime, email))
    runtime.database.run(request_link, clock.now(), email)
    send_all(dispatcher)
    assert b"De link naar je pagina" in sink.taken[-1].raw


def test_a_confirmation_mail_carries_nothing_that_was_typed(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    make_pending(runtime)
    send_all(dispatcher)
    [mail] = sink.taken
    assert b"Sam" not in mail.raw
    assert b"Reader" not in mail.raw


def test_who_left_and_signs_up_again_is_written_to_at_the_hour_that_they_confirmed(
    runtime: Runtime, clock: VirtualClock
) -> None:
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


def test_what_a_stranger_typed_does_not_count_when_leaving_is_undone(runtime: Runtime, clock: VirtualClock) -> None:
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
        assert person.signup is None


def test_a_reader_goes_on_when_a_suppression_is_lifted(
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


def test_the_audit_sees_who_is_forgotten_after_a_pause(
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
def test_who_moves_gets_at_most_one_lesson_on_a_date_of_either_zone(
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


def test_who_stopped_a_course_that_was_over_gets_no_lesson_that_is_put_in_later(
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


def test_who_left_everything_gets_a_lesson_that_was_put_in_meanwhile_when_they_come_back(
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


def test_a_complaint_counts_for_more_than_a_bounce_before_it(runtime: Runtime, clock: VirtualClock) -> None:
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


def test_a_mail_to_confirm_that_had_to_wait_is_as_good_as_one_that_did_not(
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


def test_who_left_long_ago_and_signs_up_again_is_not_forgotten_before_they_can_confirm(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = reader_with_lesson(runtime, dispatcher)
    runtime.database.run(preferences.unsubscribe, clock.now(), lessons_to(runtime, email)[0].id)
    clock.advance(days=runtime.retention.left_days + 1)
    make_pending(runtime, email)
    forget(runtime.database, clock, runtime.signer, runtime.retention)
    runtime.database.run(confirm, clock.now(), runtime.signer, mails_to(runtime, email)[-1].id)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.ACTIVE


def consents_of(runtime: Runtime, email: str) -> list[tuple[str, bool, str]]:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return [(one.purpose, one.given, one.source) for one in subscribers.consents(session, person.id)]


def test_nobody_has_agreed_to_anything_before_they_confirm(runtime: Runtime, clock: VirtualClock) -> None:
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
def test_who_left_is_measured_only_if_they_agree_when_they_confirm_again(
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
        assert person.measuring == ticked


def test_who_is_forgotten_in_between_is_asked_no_more_often(
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


def test_who_never_confirms_is_asked_three_times_in_thirty_days(runtime: Runtime, clock: VirtualClock) -> None:
    for _ in range(20):
        email = make_pending(runtime, "sam@x.example")
        clock.advance(days=1)
    assert len(mails_to(runtime, email)) == 3
    clock.advance(days=11)
    make_pending(runtime, email)
    assert len(mails_to(runtime, email)) == 4


def test_who_was_signed_up_by_somebody_else_says_so_once_and_for_all(
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


def test_a_key_by_which_suppressed_addresses_are_known_is_missed_when_it_is_gone(
    runtime: Runtime, clock: VirtualClock
) -> None:
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


@pytest.mark.parametrize("course", [COURSE, "stress-en-rugpijn"])
@pytest.mark.parametrize(("chooses", "hour"), [(True, 20), (False, 7)])
def test_who_was_on_a_list_meanwhile_gets_what_they_chose_last_and_not_what_the_list_says(
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


@pytest.mark.parametrize("kind", [BounceType.HARD, BounceType.SOFT])
def test_who_signs_up_again_on_the_day_that_the_first_mail_came_back_is_asked_once_more(
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


def test_a_reader_is_not_asked_again_and_again_about_another_course(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    asked = len(mails_to(runtime, email, DeliveryKind.CONFIRM))
    for _ in range(MOST_ASKED + 5):
        clock.advance(days=1)
        sign_up_for_another_course(runtime, email)
    assert len(mails_to(runtime, email, DeliveryKind.CONFIRM)) - asked == MOST_ASKED


def test_leaving_a_course_counts_also_while_an_address_is_suppressed(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(suppress_address, clock.now(), runtime.signer, email, BOUNCE)
    runtime.database.run(preferences.leave_course, clock.now(), mails_to(runtime, email)[-1].id)
    runtime.database.run(lift, clock.now(), runtime.signer, email)
    assert enrolment_of(runtime, email).status == EnrolmentStatus.LEFT
