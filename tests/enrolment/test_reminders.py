"""Who signed up and did not confirm is reminded once, and only while that can still be what they want."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.support.builders import course_of, mails_to, make_pending, make_reader, send_all
from tests.support.campaigns import sign_up_for_another_course
from tests.support.emails import parse
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, open_runtime
from rugcourse.bounces.report import BounceReport, BounceType, ProviderEvent
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CourseRow, DeliveryKind, DeliveryRow, DeliveryState, SubscriberRow
from rugcourse.db.queries import delivery_planning, subscribers
from rugcourse.delivery import holds
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment import preferences
from rugcourse.enrolment.confirmation import NotConfirmable, confirm, find_confirmation, refuse
from rugcourse.enrolment.reminders import LATEST_AFTER, plan_reminders
from rugcourse.enrolment.suppression import suppress_person
from rugcourse.links import TokenPurpose
from rugcourse.privacy.erase import erase
from rugcourse.worker.tasks import scheduler_tick

EMAIL = "sam@x.example"


@pytest.fixture
def asked(runtime: Runtime, dispatcher: Dispatcher) -> DeliveryRow:
    """The mail that asked somebody to confirm, which went out now."""
    make_pending(runtime, EMAIL)
    send_all(dispatcher)
    [mail] = mails_to(runtime, EMAIL)
    assert mail.state == DeliveryState.ACCEPTED
    return mail


def plan_and_send(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """Plan the reminders that are due, and send what may go."""
    while runtime.database.run(plan_reminders, runtime.clock.now(), runtime.signer):
        pass
    send_all(dispatcher)


def reminders(runtime: Runtime, email: str = EMAIL) -> list[str]:
    """The states of the reminders to somebody."""
    return [one.state for one in mails_to(runtime, email, DeliveryKind.REMINDER)]


def test_who_does_not_confirm_is_reminded_once_after_a_day(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow
) -> None:
    clock.advance(hours=23, minutes=59)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == []
    clock.advance(minutes=1)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == ["accepted"]
    for _ in range(40):
        clock.advance(hours=6)
        plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == ["accepted"]
    assert len(sink.to(EMAIL)) == 2


def test_the_reminder_repeats_the_link_which_ends_when_it_would_have_ended(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow
) -> None:
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    links = [re.findall(r"http://courses\.example/c/(\S+)", parse(mail.raw)[2])[0] for mail in sink.to(EMAIL)]
    assert [runtime.signer.read_mail(TokenPurpose.CONFIRM, one)[0] for one in links] == [asked.id] * 2
    clock.advance(days=5, hours=23)
    assert not runtime.database.query(find_confirmation, clock.now(), asked.id).done
    clock.advance(hours=1)
    with pytest.raises(NotConfirmable):
        runtime.database.query(find_confirmation, clock.now(), asked.id)


def test_the_reminder_says_that_it_is_the_only_one_and_nothing_that_was_typed(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow
) -> None:
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    message, html, plain = parse(sink.to(EMAIL)[-1].raw)
    assert message["Subject"] == "Herinnering: bevestig je cursus per mail"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    for text in (" ".join(html.split()), " ".join(plain.split())):
        assert "Dit is de enige herinnering" in text
        assert "7 dagen na de eerste mail" in text
        assert course_of(runtime).course.texts["nl"].title in text
        assert "Sam" not in text
    assert "<img" not in html


def confirmed(runtime: Runtime, asked: DeliveryRow) -> None:
    runtime.database.run(confirm, runtime.clock.now(), runtime.signer, asked.id)


def refused(runtime: Runtime, asked: DeliveryRow) -> None:
    runtime.database.run(refuse, runtime.clock.now(), runtime.signer, asked.id)


def erased(runtime: Runtime, asked: DeliveryRow) -> None:
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, asked.subscriber_id)


def suppressed(runtime: Runtime, asked: DeliveryRow) -> None:
    runtime.database.run(suppress_person, runtime.clock.now(), runtime.signer, asked.subscriber_id, "admin")


def came_back(kind: BounceType, status: str) -> Callable[[Runtime, DeliveryRow], None]:
    def report(runtime: Runtime, asked: DeliveryRow) -> None:
        found = BounceReport(kind, status, "no", (asked.message_id or "",))
        runtime.bounce_handler.handle_event(ProviderEvent(found, "", EMAIL, runtime.clock.now()))

    return report


ENDS = {
    "confirmed": confirmed,
    "refused": refused,
    "erased": erased,
    "suppressed": suppressed,
    "mailbox gone": came_back(BounceType.HARD, "5.1.1"),
    "called spam": came_back(BounceType.COMPLAINT, ""),
}


@pytest.mark.parametrize("end", [*ENDS, "mailbox full"])
def test_nobody_is_reminded_after_an_end(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow, end: str
) -> None:
    clock.advance(hours=2)
    {**ENDS, "mailbox full": came_back(BounceType.SOFT, "4.2.2")}[end](runtime, asked)
    send_all(dispatcher)
    before = len(sink.to(EMAIL))
    for _ in range(8):
        clock.advance(days=1)
        plan_and_send(runtime, dispatcher)
    assert len(sink.to(EMAIL)) == before


@pytest.mark.parametrize("end", ENDS)
def test_a_reminder_that_stands_ready_does_not_go_out_after_an_end(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow, end: str
) -> None:
    clock.advance(days=1)
    runtime.database.run(plan_reminders, clock.now(), runtime.signer)
    assert reminders(runtime) == ["planned"]
    ENDS[end](runtime, asked)
    send_all(dispatcher)
    assert not [mail for mail in sink.to(EMAIL) if b"/c/" in mail.raw][1:]
    with runtime.database.read() as session:
        if subscribers.by_email(session, EMAIL) is None:
            return
    assert reminders(runtime) == ["cancelled"]


@pytest.mark.parametrize(("hours", "sent"), [(5 * 24 - 1, 1), (5 * 24, 0), (9 * 24, 0)])
def test_nobody_is_reminded_late_when_the_installation_was_down(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, asked: DeliveryRow, hours: int, sent: int
) -> None:
    clock.advance(hours=hours)
    plan_and_send(runtime, dispatcher)
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    assert len(reminders(runtime)) == sent


def test_a_reminder_that_was_held_for_days_is_not_sent_any_more(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow
) -> None:
    clock.advance(days=1)
    runtime.database.run(holds.hold_by_admin, clock.now(), holds.ALL, "a move")
    plan_and_send(runtime, dispatcher)
    clock.advance(days=4, seconds=1)
    scheduler_tick(runtime)
    runtime.database.run(holds.release, clock.now(), holds.ALL)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == ["cancelled"]
    assert len(sink.to(EMAIL)) == 1


def test_the_day_counts_from_when_the_first_mail_went_out(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    runtime.database.run(holds.hold_by_admin, clock.now(), holds.ALL, "a move")
    make_pending(runtime, EMAIL)
    clock.advance(hours=30)
    plan_and_send(runtime, dispatcher)
    runtime.database.run(holds.release, clock.now(), holds.ALL)
    send_all(dispatcher)
    for hours, sent in ((23, []), (31, ["accepted"])):
        clock.advance(hours=hours)
        plan_and_send(runtime, dispatcher)
        assert reminders(runtime) == sent


def test_nobody_is_reminded_of_a_course_that_takes_no_new_readers(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, asked: DeliveryRow
) -> None:
    with runtime.database.write() as session:
        session.get_one(CourseRow, course_of(runtime).id).archived_at = clock.now()
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == []


def test_a_mail_that_was_never_taken_is_followed_by_no_reminder(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, asked: DeliveryRow
) -> None:
    with runtime.database.write() as session:
        session.get_one(DeliveryRow, asked.id).state = DeliveryState.UNKNOWN
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == []


def test_each_signup_has_its_reminder_but_never_more_than_three_mails_ask_an_address(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, asked: DeliveryRow
) -> None:
    for day in range(1, 25):
        clock.advance(days=1)
        plan_and_send(runtime, dispatcher)
        if day % 2 == 0:
            make_pending(runtime, EMAIL)
            plan_and_send(runtime, dispatcher)
    assert [mail.kind for mail in mails_to(runtime, EMAIL)] == ["confirm", "reminder", "confirm"]
    assert len(sink.to(EMAIL)) == 3


def test_who_signs_up_again_is_reminded_of_the_newest_mail_only(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, asked: DeliveryRow
) -> None:
    clock.advance(hours=20)  # the next day
    make_pending(runtime, EMAIL)
    plan_and_send(runtime, dispatcher)
    clock.advance(hours=5)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == []
    clock.advance(hours=19)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime) == ["accepted"]
    clock.advance(days=3)
    plan_and_send(runtime, dispatcher)
    assert len(reminders(runtime)) == 1


def test_a_second_look_can_not_plan_it_twice(runtime: Runtime, clock: VirtualClock, asked: DeliveryRow) -> None:
    clock.advance(days=1)
    for _ in range(3):
        with runtime.database.write() as session:
            session.get_one(SubscriberRow, asked.subscriber_id).remind_at = clock.now()
        runtime.database.run(plan_reminders, clock.now(), runtime.signer)
    assert reminders(runtime) == ["planned"]
    until = asked.planned_at + LATEST_AFTER
    assert not runtime.database.run(delivery_planning.plan_reminder, asked, until, clock.now())


def test_a_reader_is_reminded_of_another_course_and_not_of_one_that_they_follow(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    sign_up_for_another_course(runtime, email)
    send_all(dispatcher)
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    [reminder] = mails_to(runtime, email, DeliveryKind.REMINDER)
    assert reminder.state == DeliveryState.ACCEPTED
    assert reminder.campaign_id == mails_to(runtime, email, DeliveryKind.CONFIRM)[-1].campaign_id
    assert reminder.campaign_id != course_of(runtime).campaign_id


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_left_since_is_not_reminded(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, sink: Sink, when: str
) -> None:
    email = make_reader(runtime)
    sign_up_for_another_course(runtime, email)
    send_all(dispatcher)
    welcome = mails_to(runtime, email, DeliveryKind.WELCOME)[0].id
    clock.advance(days=1)
    if when == "after":
        runtime.database.run(plan_reminders, clock.now(), runtime.signer)
    clock.advance(minutes=1)
    runtime.database.run(preferences.unsubscribe, clock.now(), welcome)
    before = len(sink.to(email))
    plan_and_send(runtime, dispatcher)
    assert len(sink.to(email)) == before


def test_who_left_and_signs_up_again_is_reminded(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    clock.advance(days=40)
    make_pending(runtime, email)
    send_all(dispatcher)
    clock.advance(days=1)
    plan_and_send(runtime, dispatcher)
    assert reminders(runtime, email) == ["accepted"]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_setting_decides_whether_the_tick_reminds(
    runtime: Runtime, clock: VirtualClock, asked: DeliveryRow, wanted: bool
) -> None:
    settings = runtime.settings.model_copy(update={"confirm_reminder": wanted})
    other = open_runtime(settings, clock)
    clock.advance(days=1)
    scheduler_tick(Runtime(settings, clock, runtime.database, other.signer, other.links, other.course_cache))
    assert reminders(runtime) == ["planned"] * wanted


def test_many_people_are_looked_at_in_batches(
    runtime: Runtime, clock: VirtualClock, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rugcourse.enrolment.reminders._BATCH", 2)
    people = [make_pending(runtime) for _ in range(5)]
    send_all(dispatcher)
    clock.advance(days=1)
    more = [runtime.database.run(plan_reminders, clock.now(), runtime.signer) for _ in range(4)]
    assert more == [True, True, False, False]
    assert all(reminders(runtime, one) == ["planned"] for one in people)
