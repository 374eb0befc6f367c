"""What becomes of a mail whose reader's hour passed: nobody loses a lesson, and one reader stops no campaign."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.support.builders import (
    at_eight,
    enrolment_of,
    lessons_to,
    mails_to,
    make_reader,
    plan,
    planned_readers,
    send_all,
)
from tests.support.campaigns import campaign_row, draft, due_times, enrolment_in, lessons_of, start
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    CampaignKind,
    CampaignStatus,
    DeliveryKind,
    DeliveryQueue,
    DeliveryState,
    SubscriberStatus,
)
from rugcourse.db.queries import sending_holds, subscribers
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import PlanningResult, plan_due
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Schedule, Timing

_FULL = "452 4.2.2 mailbox full"


def _run(runtime: Runtime) -> PlanningResult:
    return plan_due(runtime.database, runtime.clock, runtime.send_window, rejection_handler(runtime))


def _pass(runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, hours: float, step_minutes: int = 10) -> None:
    for _ in range(int(hours * 60 / step_minutes)):
        clock.advance(minutes=step_minutes)
        plan(runtime)
        send_all(dispatcher)


def _is_balanced(runtime: Runtime) -> bool:
    found = audit(runtime.database, runtime.clock.now(), timedelta(minutes=30))
    assert found.findings == ()
    return found.balanced


@pytest.mark.parametrize("kind", [CampaignKind.BROADCAST, CampaignKind.COHORT])
@pytest.mark.parametrize("hour", [9, 19])
def test_one_full_mailbox_stops_no_campaign(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, kind: CampaignKind, hour: int
) -> None:
    full = make_reader(runtime, "full@example.org", hour=20)
    other = make_reader(runtime, "other@example.org", zone="America/Los_Angeles", hour=20)
    send_all(dispatcher)
    made = draft(runtime, kind, Timing(day=date(2026, 11, 24), hour=hour))
    start(runtime, made)
    sink.fault = lambda recipient: Fault("rcpt", _FULL) if recipient == full else None
    clock.move_to(datetime(2026, 11, 24, 7, 0, tzinfo=UTC))
    _pass(runtime, dispatcher, clock, 36)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    assert DeliveryState.ACCEPTED in [one.state for one in mails_to(runtime, other) if one.campaign_id == made]
    assert _is_balanced(runtime)


def test_a_first_lesson_that_its_server_put_off_past_its_moment_comes_at_the_next_hour(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    """And the cohort goes on, although nobody in it has had anything yet."""
    email = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 24), hour=9))
    start(runtime, made)
    sink.fault = lambda recipient: Fault("rcpt", "451 4.3.0 temporary system problem") if recipient == email else None
    clock.move_to(datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    plan(runtime)
    send_all(dispatcher)
    _pass(runtime, dispatcher, clock, 6, 60)  # four tries, and its hours are over
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    sink.fault = lambda _: None
    _pass(runtime, dispatcher, clock, 24, 60)
    assert len(lessons_of(runtime, made, email)) == 1
    assert enrolment_in(runtime, made, email) == ("active", datetime(2026, 11, 26, 8, 0, tzinfo=UTC))


def test_a_message_that_was_put_off_until_its_hour_was_over_failed(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    full = make_reader(runtime, "full@example.org")
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=date(2026, 11, 23), hour=19))
    start(runtime, made)
    sink.fault = lambda recipient: Fault("rcpt", _FULL) if recipient == full else None
    clock.move_to(datetime(2026, 11, 23, 17, 30, tzinfo=UTC))
    _pass(runtime, dispatcher, clock, 6)
    [mail] = [one for one in mails_to(runtime, full) if one.kind == DeliveryKind.BROADCAST]
    assert (mail.state, mail.smtp_response) == (DeliveryState.FAILED, _FULL)


def test_a_campaign_waits_for_an_admin_when_nothing_went_out_at_its_moment(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=date(2026, 11, 23), hour=9))
    start(runtime, made)
    clock.move_to(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    plan(runtime)  # and no worker is there
    clock.advance(hours=5)
    plan(runtime)
    assert campaign_row(runtime, made).status == CampaignStatus.PAUSED


def test_a_domain_that_is_held_stops_no_campaign(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    held = make_reader(runtime, "somebody@held.example")
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=date(2026, 11, 23), hour=9))
    start(runtime, made)
    clock.move_to(datetime(2026, 11, 23, 7, 50, tzinfo=UTC))
    with runtime.database.write() as session:
        sending_holds.add_hold(session, "domain:held.example", "policy", clock.now(), clock.now() + timedelta(hours=8))
    _pass(runtime, dispatcher, clock, 6)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    _pass(runtime, dispatcher, clock, 24)
    assert [one.state for one in mails_to(runtime, held, DeliveryKind.BROADCAST)] == [DeliveryState.ACCEPTED]


@pytest.mark.parametrize("hour", [8, 19])
def test_a_mailbox_that_stays_full_is_given_up(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, hour: int
) -> None:
    """Also where the day's tries are fewer than all, because the quiet hours begin."""
    email = make_reader(runtime, hour=hour)
    send_all(dispatcher)
    sink.fault = lambda recipient: Fault("rcpt", _FULL) if recipient == email else None
    _pass(runtime, dispatcher, clock, 24 * 5, 15)
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
    assert person is not None
    assert person.status == SubscriberStatus.SUPPRESSED
    assert _is_balanced(runtime)


def test_a_server_that_puts_off_everybody_suppresses_nobody(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    """What is said of us, or of the server, is not about the mailbox."""
    email = make_reader(runtime, hour=19)
    send_all(dispatcher)
    sink.fault = lambda recipient: Fault("rcpt", "451 4.3.0 temporary system problem") if recipient == email else None
    _pass(runtime, dispatcher, clock, 24 * 6, 15)
    sink.fault = lambda _: None
    _pass(runtime, dispatcher, clock, 24)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]


def test_an_outage_costs_a_weekly_reader_a_day_and_not_a_week(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime, every_days=7)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)  # and nobody sends
    clock.advance(hours=5)
    plan(runtime)
    due = enrolment_of(runtime, email).next_due_at
    assert due is not None
    assert due - clock.now() < timedelta(days=1)


def test_a_pause_before_it_was_sent_costs_a_weekly_reader_no_week(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime, every_days=7)
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(preferences.pause, clock.now(), person)
    clock.advance(minutes=1)
    runtime.database.run(preferences.resume, clock.now(), person)
    due = enrolment_of(runtime, email).next_due_at
    assert due is not None
    assert due - clock.now() < timedelta(days=1)


def test_a_weekly_reader_whose_lesson_came_back_gets_it_at_their_next_hour(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_reader(runtime, every_days=7)
    send_all(dispatcher)
    at_eight(runtime)
    sink.fault = lambda recipient: Fault("rcpt", _FULL) if recipient == email else None
    plan(runtime)
    _pass(runtime, dispatcher, clock, 6)
    sink.fault = lambda _: None
    _pass(runtime, dispatcher, clock, 24)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]


def test_a_lesson_is_not_claimed_after_its_hours(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    """A machine that slept while a worker was sending goes on before the first tick."""
    [email] = planned_readers(runtime, dispatcher, 1)
    before = len(sink.to(email))
    clock.advance(hours=19)
    dispatcher.send_batch(DeliveryQueue.LESSONS)
    assert len(sink.to(email)) == before


def test_quiet_hours_that_begin_right_after_a_start_pause_no_campaign(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    send_all(dispatcher)
    clock.move_to(datetime(2026, 11, 23, 20, 59, 55, tzinfo=UTC))  # 21:59:55 for the reader
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    start(runtime, made)
    clock.advance(seconds=10)
    plan(runtime)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    clock.move_to(datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in mails_to(runtime, email, DeliveryKind.BROADCAST)] == [DeliveryState.ACCEPTED]


@pytest.mark.parametrize("days", [1, 3])
def test_an_outage_at_the_end_of_one_readers_pause_pauses_no_cohort(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, days: int
) -> None:
    make_reader(runtime)
    late = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 24), hour=8))
    start(runtime, made)
    person = mails_to(runtime, late)[0].subscriber_id
    ends = datetime(2026, 11, 23, 23, 0, tzinfo=UTC) + timedelta(days=days)
    runtime.database.run(preferences.pause, clock.now(), person, ends)
    _pass(runtime, dispatcher, clock, days * 24 + 12, 60)
    clock.move_to(ends + timedelta(hours=12, minutes=5))  # away from before their hour until four hours after it
    plan(runtime)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    assert due_times(runtime, made)[late] == ends + timedelta(hours=32)  # at their next hour


def test_the_rest_of_a_campaign_that_a_limit_held_up_comes_at_the_next_hour(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    readers = [make_reader(runtime) for _ in range(2)]
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 23), hour=9))
    start(runtime, made)
    with runtime.database.write() as session:
        sending_holds.set_campaign_limit(session, made, 1)
    clock.move_to(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    plan(runtime)
    send_all(dispatcher)
    clock.advance(hours=5)
    assert _run(runtime) == PlanningResult(planned=0, shifted=1, late=1)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    assert {due_times(runtime, made)[one] for one in readers} == {datetime(2026, 11, 24, 8, 0, tzinfo=UTC)}


def test_readers_of_a_campaign_that_waits_for_an_admin_stay_due(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    """Also when another domain is held."""
    email = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.COHORT, Timing(day=date(2026, 11, 24), hour=9))
    start(runtime, made)
    due = due_times(runtime, made)
    clock.move_to(datetime(2026, 11, 24, 14, 0, tzinfo=UTC))
    with runtime.database.write() as session:
        sending_holds.add_hold(session, "domain:held.example", "policy", clock.now(), clock.now() + timedelta(hours=8))
    assert _run(runtime).late == 0
    assert campaign_row(runtime, made).status == CampaignStatus.PAUSED
    assert due_times(runtime, made) == due == {email: datetime(2026, 11, 24, 8, 0, tzinfo=UTC)}


def test_settings_that_are_saved_between_the_hour_and_the_tick_cost_no_week(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    email = make_reader(runtime, weekdays=frozenset({0}))
    send_all(dispatcher)
    at_eight(runtime)
    clock.advance(seconds=5)
    person = enrolment_of(runtime, email).subscriber_id
    runtime.database.run(
        preferences.change_schedule, clock.now(), person, Schedule("Europe/Amsterdam", 8, frozenset({0}))
    )
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]
