"""What a dead worker's journal still tells."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.builders import at_eight, lessons_to, make_reader, plan, planned_readers, send_all
from tests.support.smtp_sink import Fault, Sink

from rugcourse.bootstrap import Runtime, open_dispatcher, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryQueue, DeliveryState
from rugcourse.db.queries import results
from rugcourse.db.queries.results import Settlement
from rugcourse.delivery import journal as journals
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.journal import Journal, dead_journals, read_records
from rugcourse.delivery.reconciliation import audit
from rugcourse.delivery.recovery import expire_leases, settle_journals
from rugcourse.delivery.resend import resend
from rugcourse.enrolment.admin_changes import correct_address


def test_a_settled_lease_leaves_nothing_to_recover(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.submit("lease", [1, 2])
    journal.begin("lease", 1)
    journal.reply("lease", 1, DeliveryState.ACCEPTED, "250 ok")
    journal.done("lease")
    [path] = tmp_path.glob("*.journal")
    assert read_records(path) == ([], True)
    journal.close()
    assert list(tmp_path.glob("*.journal")) == []


def test_an_open_lease_tells_what_was_begun_and_what_was_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.submit("lease", [1, 2, 3])
    journal.begin("lease", 1)
    journal.reply("lease", 1, DeliveryState.ACCEPTED, "250 two\nlines")
    journal.begin("lease", 2)
    [path] = tmp_path.glob("*.journal")
    [record] = read_records(path).leases
    assert (record.submitted, record.begun) == ([1, 2, 3], {1, 2})
    assert record.replies == {1: (DeliveryState.ACCEPTED, "250 two lines")}


def test_a_last_line_that_was_cut_off_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "1-x.journal"
    path.write_text("submit lease 1,2\nbegin lease 1\nreply lease 1 accep")
    [record] = read_records(path).leases
    assert record.replies == {}


def test_the_journal_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.submit("lease", [1])
    with dead_journals(tmp_path) as found:
        assert found == []
    journal.close()
    with dead_journals(tmp_path) as found:
        assert len(found) == 1


def _send_and_die(runtime: Runtime, victim: str, step: str, sink: Sink) -> None:
    """Send a batch in a process of its own that is killed with kill -9 when `victim` comes to `step`."""
    dispatcher = open_dispatcher(runtime)

    def kill(recipient: str) -> Fault | None:
        return Fault(step, "", 0.5, end) if recipient == victim else None

    def end() -> None:
        time.sleep(0.3)  # the victim's envelope came along with the message before: let its answer be journalled
        os.kill(child, signal.SIGKILL)

    child = os.fork()
    if child == 0:
        runtime.database.engine.dispose(close=False)
        dispatcher.send_batch(DeliveryQueue.LESSONS)
        os._exit(0)
    sink.fault = kill
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the worker was not killed"
    sink.fault = lambda _: None
    dispatcher._journal._open.clear()
    os.close(dispatcher._journal._file)  # our end of the dead worker's lock


@pytest.mark.parametrize(("step", "expected"), [("rcpt", DeliveryState.ACCEPTED), ("reply", DeliveryState.UNKNOWN)])
def test_kill_9_in_a_batch_loses_and_repeats_nothing(
    runtime: Runtime, clock: VirtualClock, sink: Sink, dispatcher: Dispatcher, step: str, expected: str
) -> None:
    readers = [make_reader(runtime) for _ in range(10)]
    send_all(dispatcher)
    at_eight(runtime)
    plan(runtime)
    victim = readers[5]
    _send_and_die(runtime, victim, step, sink)
    settle_journals(runtime.database, clock, runtime.settings.data_dir / "journal", rejection_handler(runtime))
    send_all(dispatcher)
    expire_leases(runtime.database, clock)
    send_all(dispatcher)
    states = {email: lessons_to(runtime, email)[0].state for email in readers}
    assert states.pop(victim) == expected
    assert set(states.values()) == {DeliveryState.ACCEPTED}
    assert len(sink.message_ids) == len(set(sink.message_ids))
    assert all(len(sink.to(email)) == 3 for email in readers)
    assert audit(runtime.database, clock.now(), timedelta(minutes=5)).balanced


@pytest.mark.parametrize(
    "lines",
    [
        b"begin a 1\n",
        b"submit a 1,x\n",
        b"reply a x y z\n",
        b"submit a 1\nreply a 1 nonsense words\n",
        b"\xff" * 1000 + b"\n",
    ],
)
def test_a_journal_that_cant_be_settled_is_set_aside_and_the_others_are_settled(
    runtime: Runtime, tmp_path: Path, lines: bytes
) -> None:
    """Else no worker on this machine starts again until somebody finds the file."""
    folder = tmp_path / "journals"
    folder.mkdir()
    (folder / "broken.journal").write_bytes(lines)
    (folder / "well.journal").write_bytes(b"submit b 1\ndone b\n")
    settle_journals(runtime.database, runtime.clock, folder, rejection_handler(runtime))
    left = {path.name for path in folder.iterdir()}
    assert left == {"broken.unreadable"}


def test_a_lease_that_ends_takes_no_line_of_one_that_begins_just_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "_MAX_BYTES", 10)
    journal = Journal(tmp_path)
    journal.submit("first", [1])
    write, ended = Journal._write, []

    def write_and_end(self: Journal, line: str) -> None:
        write(self, line)
        if line.startswith("submit second"):  # another thread ends its batch as soon as it can
            ended.append(threading.Thread(target=journal.done, args=("first",)))
            ended[0].start()
            ended[0].join(5)

    monkeypatch.setattr(Journal, "_write", write_and_end)
    journal.submit("second", [2, 3])
    journal.begin("second", 2)
    [path] = tmp_path.glob("*.journal")
    assert [(one.lease, one.maybe_sent, one.not_started) for one in read_records(path).leases] == [("second", [2], [3])]


def test_journal_entry_about_an_earlier_address_does_not_concern_the_corrected_one(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesson was taken for a mistyped address, its worker died, and an admin sends it again to the right one."""
    [email] = planned_readers(runtime, dispatcher, 1)
    monkeypatch.setattr(dispatcher, "_settle", lambda _: None)
    dispatcher.send_batch(DeliveryQueue.LESSONS)
    monkeypatch.undo()
    [lesson] = lessons_to(runtime, email)
    clock.advance(hours=2)
    expire_leases(runtime.database, clock)
    runtime.database.run(correct_address, clock.now(), runtime.signer, lesson.subscriber_id, "right@x.example")
    assert runtime.database.run(resend, clock.now(), [lesson.id]) == [lesson.id]
    with runtime.database.write() as session:
        answered = Settlement(lesson.id, DeliveryState.ACCEPTED, "250 taken")
        results.record_results(session, lesson.lease or "", [answered], clock.now())
    assert lessons_to(runtime, "right@x.example")[0].state == DeliveryState.CANCELLED
    at_eight(runtime, 1)
    plan(runtime)
    send_all(dispatcher)
    assert lessons_to(runtime, "right@x.example")[0].state == DeliveryState.ACCEPTED
