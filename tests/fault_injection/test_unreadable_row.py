"""Drills 14 and 15: one row that can't be read, one mailbox, one server that is not like the others; the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import update
from tests.fault_injection.tally import Tally
from tests.support.builders import at_eight, lessons_to, mails_to, make_reader, plan, send_all
from tests.support.campaigns import campaign_row, draft, start
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import CampaignKind, CampaignStatus, DeliveryKind, DeliveryRow, DeliveryState, ScheduleRow
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.scheduling import Timing

READERS = 20
DAYS = 4
_ODD = ("OK: queued", "354 go on", "600 what")


def test_faults_of_single_rows_and_mailboxes_affect_no_other_reader(
    runtime: Runtime,
    dispatcher: Dispatcher,
    sink: Sink,
    clock: VirtualClock,
    passes: Callable[[Runtime, Sink], Tally],
) -> None:
    emails = [make_reader(runtime) for _ in range(READERS)]
    send_all(dispatcher)
    full, greylisting, odd, lost, unreadable, *well = emails
    made = draft(runtime, CampaignKind.BROADCAST, Timing(day=date(2026, 11, 24), hour=19))
    start(runtime, made)
    with runtime.database.write() as session:
        session.execute(
            update(ScheduleRow)
            .where(ScheduleRow.subscriber_id == mails_to(runtime, lost)[0].subscriber_id)
            .values(zone="Mars/Olympus")
        )
    seen: dict[str, int] = {}

    def fault(recipient: str) -> Fault | None:
        if recipient == full:
            return Fault("rcpt", "452 4.2.2 mailbox full")
        if recipient == greylisting:
            seen[recipient] = seen.get(recipient, 0) + 1
            return Fault("rcpt", "450 4.7.1 greylisted") if seen[recipient] % 12 else None
        return Fault("reply", _ODD[clock.now().day % 3]) if recipient == odd else None

    sink.fault = fault
    at_eight(runtime)
    plan(runtime)
    with runtime.database.write() as session:
        session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == lessons_to(runtime, unreadable)[0].id)
            .values(kind="certificate")
        )
    for _ in range(DAYS * 24 * 6):
        plan(runtime)
        send_all(dispatcher)
        clock.advance(minutes=10)
    with runtime.database.write() as session:
        session.execute(update(DeliveryRow).where(DeliveryRow.kind == "certificate").values(kind=DeliveryKind.LESSON))
        session.execute(update(ScheduleRow).where(ScheduleRow.zone == "Mars/Olympus").values(zone="Europe/Amsterdam"))
    sink.fault = lambda _: None
    for _ in range(24 * 6):
        plan(runtime)
        send_all(dispatcher)
        clock.advance(minutes=10)
    tally = passes(runtime, sink)
    assert campaign_row(runtime, made).status == CampaignStatus.RUNNING
    for email in well:
        states = [one.state for one in lessons_to(runtime, email)]
        assert states == [DeliveryState.ACCEPTED] * (DAYS + 1)
    assert {one.state for one in lessons_to(runtime, lost)} == {DeliveryState.ACCEPTED}
    assert set(tally.unknown) == {
        one.id
        for one in (*lessons_to(runtime, odd), *mails_to(runtime, odd, DeliveryKind.BROADCAST))
        if one.state == DeliveryState.UNKNOWN
    }
