"""Around a batch: how long a deferred mail waits, what a hold ends, what the journal says, and a database that goes away."""

from __future__ import annotations

import fcntl

import pytest
from sqlalchemy.orm import Session
from tests.support.builders import lessons_to, mails_to, make_pending, planned_readers, send_all
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import DatabaseAway
from rugcourse.db.models import DeliveryQueue, DeliveryState
from rugcourse.db.queries import sending_holds
from rugcourse.delivery import retry
from rugcourse.delivery.claimer import Batch
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.journal import JournalError
from rugcourse.delivery.recovery import settle_journals


def _holds(runtime: Runtime) -> list[str]:
    with runtime.database.read() as session:
        return [one.key for one in sending_holds.all_holds(session)]


def _read_journal_of_the_dead(runtime: Runtime, dispatcher: Dispatcher) -> None:
    fcntl.flock(dispatcher._journal._file, fcntl.LOCK_UN)  # as when its process ends
    folder = runtime.settings.data_dir / "journal"
    settle_journals(runtime.database, runtime.clock, folder, rejection_handler(runtime))


def test_the_waits_of_a_mail_that_is_put_off_grow_and_then_stay_as_long(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    email = make_pending(runtime)
    sink.fault = lambda recipient: Fault("rcpt", "451 later") if recipient == email else None
    for wait in (*retry.BACKOFF_SECONDS, retry.BACKOFF_SECONDS[-1]):
        send_all(dispatcher)
        [mail] = mails_to(runtime, email)
        assert mail.not_before is not None
        waits = (mail.not_before - clock.now()).total_seconds()
        assert (1 - retry.JITTER) * wait <= waits <= (1 + retry.JITTER) * wait
        clock.move_to(mail.not_before)


def test_mails_that_were_put_off_together_are_not_tried_together(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    emails = planned_readers(runtime, dispatcher, 5)
    sink.fault = lambda recipient: Fault("rcpt", "451 later") if recipient else None
    send_all(dispatcher)
    assert len({lessons_to(runtime, email)[0].not_before for email in emails}) == 5


def test_mails_keep_what_the_server_said_when_it_served_nobody_until_it_does(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock
) -> None:
    emails = [make_pending(runtime) for _ in range(2)]
    sink.fault = lambda _: Fault("mail", "530 log in first")
    send_all(dispatcher)
    assert all("530 log in first" in (mails_to(runtime, email)[0].smtp_response or "") for email in emails)
    sink.fault = lambda recipient: Fault("rcpt", "550 no such user") if recipient else None
    clock.advance(minutes=1)
    send_all(dispatcher)
    assert _holds(runtime) == ["all"]  # it is over, but nothing was taken since
    sink.fault = lambda _: None
    make_pending(runtime)
    send_all(dispatcher)
    assert _holds(runtime) == []


def test_a_worker_that_has_to_stop_gives_back_what_it_did_not_begin(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    emails = planned_readers(runtime, dispatcher, 3)
    sink.fault = lambda recipient: Fault("reply", "250 taken", do=dispatcher.stopping.set) if recipient else None
    assert dispatcher.send_batch(DeliveryQueue.LESSONS) == 3
    lessons = [lessons_to(runtime, email)[0] for email in emails]
    assert sorted(one.state for one in lessons) == [DeliveryState.ACCEPTED, *[DeliveryState.PLANNED] * 2]
    given_back = [one for one in lessons if one.state == DeliveryState.PLANNED]
    assert {(one.smtp_response, one.attempts) for one in given_back} == {("not begun before its worker had to stop", 0)}


def test_nothing_is_sent_when_the_journal_takes_no_line(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    before = sink.count

    def fail(*_: object) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(dispatcher._journal, "submit", fail)
        assert dispatcher.send_batch(DeliveryQueue.LESSONS) == 0
    assert (sink.count, lessons_to(runtime, email)[0].state) == (before, DeliveryState.PLANNED)
    send_all(dispatcher)
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_the_journal_of_a_worker_that_died_tells_what_was_taken_and_what_was_only_begun(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    emails = planned_readers(runtime, dispatcher, 3)
    answered: list[str] = []

    def fault(recipient: str) -> Fault | None:
        answered.extend([recipient] if recipient else [])
        return Fault("reply") if len(answered) == 2 else None

    sink.fault = fault
    judge = dispatcher._judge

    def die(batch: Batch, one: object, outcome: object) -> object:
        if len(batch.settlements) == 1:
            raise KeyboardInterrupt
        return judge(batch, one, outcome)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatcher, "_judge", die)
    monkeypatch.setattr(dispatcher, "_settle", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        dispatcher.send_batch(DeliveryQueue.LESSONS)
    clock.advance(seconds=runtime.settings.lease_seconds + 1)
    _read_journal_of_the_dead(runtime, dispatcher)
    found = {email: lessons_to(runtime, email)[0] for email in emails}
    states = [DeliveryState.ACCEPTED, DeliveryState.PLANNED, DeliveryState.UNKNOWN]
    assert sorted(one.state for one in found.values()) == states
    assert found[answered[0]].state == DeliveryState.ACCEPTED
    assert found[answered[0]].smtp_response == "250 taken"


@pytest.mark.parametrize("stops", [False, True])
def test_results_wait_for_a_database_that_is_away_unless_the_worker_stops(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    write_down, tries = dispatcher._write_down, []

    def away_at_first(session: Session, batch: Batch) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise DatabaseAway("not there")
        write_down(session, batch)

    monkeypatch.setattr(dispatcher, "_write_down", away_at_first)
    monkeypatch.setattr(retry, "DATABASE_SECONDS", 0.01)
    if not stops:
        dispatcher.send_batch(DeliveryQueue.LESSONS)
        assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED
        return
    sink.fault = lambda recipient: Fault("reply", "250 taken", do=dispatcher.stopping.set) if recipient else None
    with pytest.raises(DatabaseAway):
        dispatcher.send_batch(DeliveryQueue.LESSONS)
    _read_journal_of_the_dead(runtime, dispatcher)
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED
