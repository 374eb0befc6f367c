"""A row that this release can't read, or can't plan, holds up nothing but itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
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
from tests.support.campaigns import draft, start
from tests.support.databases import unchecked
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db.models import (
    CampaignKind,
    CampaignRow,
    DeliveryKind,
    DeliveryRow,
    DeliveryState,
    EnrolmentRow,
    ScheduleRow,
)
from rugcourse.db.queries import due_enrolments
from rugcourse.delivery import forecast
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.planner import PlanningResult, plan_due
from rugcourse.delivery.reconciliation import audit
from rugcourse.enrolment import preferences
from rugcourse.scheduling import Timing
from rugcourse.worker.tasks import scheduler_tick


def _spoil_schedule(runtime: Runtime, email: str, **values: object) -> None:
    person = enrolment_of(runtime, email).subscriber_id
    with runtime.database.write() as session, unchecked(session, "schedule"):
        session.execute(update(ScheduleRow).where(ScheduleRow.subscriber_id == person).values(**values))


@pytest.mark.parametrize("wrong", [{"zone": "Mars/Olympus"}, {"hour": 24}])
def test_planner_goes_on_when_one_reader_cannot_be_planned(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, wrong: dict[str, object]
) -> None:
    """As when a database moves to a machine whose time zones are older."""
    lost, other = make_reader(runtime), make_reader(runtime)
    send_all(dispatcher)
    _spoil_schedule(runtime, lost, **wrong)
    at_eight(runtime)
    for _ in range(3):
        scheduler_tick(runtime)
        clock.advance(minutes=1)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, other)] == [DeliveryState.ACCEPTED]
    assert lessons_to(runtime, lost) == []
    _spoil_schedule(runtime, lost, zone="Europe/Amsterdam", hour=8)
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, lost)] == [DeliveryState.ACCEPTED]


def test_a_reader_who_cannot_be_planned_is_tried_again_later_and_not_at_each_tick(
    runtime: Runtime, clock: VirtualClock
) -> None:
    lost = make_reader(runtime)
    make_reader(runtime)
    _spoil_schedule(runtime, lost, zone="Mars/Olympus")
    at_eight(runtime)
    on_rejection = rejection_handler(runtime)
    first, second = (plan_due(runtime.database, clock, runtime.send_window, on_rejection) for _ in range(2))
    assert first == PlanningResult(planned=1, shifted=1)
    assert second == PlanningResult()
    due = enrolment_of(runtime, lost).next_due_at
    assert due is not None
    assert clock.now() < due < clock.now() + timedelta(hours=12)


def test_a_reader_who_left_while_their_plan_failed_gets_nothing_due(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    runtime.database.run(preferences.unsubscribe, clock.now(), mails_to(runtime, email)[-1].id)
    left = enrolment_of(runtime, email)
    runtime.database.run(due_enrolments.shift, {clock.now(): [left.id]})
    assert enrolment_of(runtime, email).next_due_at is None


def test_the_audit_names_a_zone_that_this_machine_does_not_know(runtime: Runtime, clock: VirtualClock) -> None:
    _spoil_schedule(runtime, make_reader(runtime), zone="Mars/Olympus")
    findings = audit(runtime.database, clock.now(), timedelta(minutes=10)).findings
    assert any("Mars/Olympus" in one for one in findings)


def test_a_forecast_leaves_out_a_reader_in_an_unknown_zone(runtime: Runtime, clock: VirtualClock) -> None:
    lost, other = make_reader(runtime), make_reader(runtime)
    _spoil_schedule(runtime, lost, zone="Mars/Olympus")
    found = list(forecast.forecast_mails(runtime.database, clock, runtime.send_window, 2))
    assert {one.email for one in found} == {other}
    assert forecast.count_by_hour(runtime.database, clock, runtime.send_window, 2)


def test_a_mail_of_a_kind_that_this_release_does_not_know_holds_up_no_other(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    """A newer release works on the same database while machines are updated one by one."""
    one, other = planned_readers(runtime, dispatcher, 2)
    with runtime.database.write() as session:
        session.execute(
            update(DeliveryRow).where(DeliveryRow.id == lessons_to(runtime, one)[0].id).values(kind="certificate")
        )
    before = len(sink.to(other))
    for _ in range(3):
        send_all(dispatcher)
        clock.advance(minutes=1)
    assert len(sink.to(other)) == before + 1


def test_a_mail_that_cant_be_signed_or_assembled_holds_up_no_other(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = planned_readers(runtime, dispatcher, 2)
    composer = type(dispatcher._composer)
    write = composer.write

    def fail_for_one(self: object, draft: object, *args: object, **others: object) -> bytes:
        if getattr(draft, "recipient", None) == one:
            raise RuntimeError("nobody expected this")
        return write(self, draft, *args, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(composer, "write", fail_for_one)
    before = len(sink.to(other))
    send_all(dispatcher)
    assert len(sink.to(other)) == before + 1
    assert lessons_to(runtime, one)[0].state == DeliveryState.PLANNED


def test_a_campaign_that_cant_be_read_stops_no_other_and_waits_as_it_is(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock
) -> None:
    """A newer release works on the same database, and knows another way to say when."""
    reader = make_reader(runtime)
    send_all(dispatcher)
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=date(2026, 11, 23), hour=8))
    start(runtime, made)
    with runtime.database.write() as session:
        session.execute(update(CampaignRow).where(CampaignRow.id == made).values(timing={"moon": "full"}))
    at_eight(runtime)
    scheduler_tick(runtime)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, reader)] == [DeliveryState.ACCEPTED]
    with runtime.database.write() as session:
        kept = session.scalar(select(EnrolmentRow.next_due_at).where(EnrolmentRow.campaign_id == made))
        assert kept == clock.now()
        session.execute(
            update(CampaignRow)
            .where(CampaignRow.id == made)
            .values(timing=Timing(day=date(2026, 11, 23), hour=8).document())
        )
    scheduler_tick(runtime)
    send_all(dispatcher)
    assert [one.state for one in mails_to(runtime, reader, DeliveryKind.BROADCAST)] == [DeliveryState.ACCEPTED]


def test_a_late_mail_that_cant_be_ended_stops_no_planning(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    full, other = planned_readers(runtime, dispatcher, 2)
    sink.fault = lambda recipient: Fault("rcpt", "452 4.2.2 mailbox full") if recipient == full else None
    send_all(dispatcher)

    def fail(*_: object) -> None:
        raise RuntimeError("nobody expected this")

    at_eight(runtime, 1)
    plan_due(runtime.database, clock, runtime.send_window, fail)
    send_all(dispatcher)
    assert [one.state for one in lessons_to(runtime, other)] == [DeliveryState.ACCEPTED] * 2
