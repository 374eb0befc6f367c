"""The worker's disk is full, or its journal is damaged: nothing goes out twice, and every worker starts."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.builders import lessons_to, planned_readers, send_all
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.clock import VirtualClock
from rugcourse.db.models import DeliveryQueue, DeliveryState
from rugcourse.delivery import journal as journals
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.delivery.journal import Journal, JournalError, dead_journals, read_records
from rugcourse.delivery.recovery import settle_journals

_LONGEST_LINE = 130


class _Disk:
    """As much room as is left for one file: the rest of a line is not written, and with none at all it is an error."""

    def __init__(self, file: int, room: int) -> None:
        self.file, self.room, self.real = file, room, os.write

    def write(self, file: int, raw: bytes) -> int:
        if file != self.file:
            return self.real(file, raw)
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.real(file, raw[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_journal_on_a_full_disk_never_causes_a_second_send(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for each number of bytes that a batch of one message writes."""
    emails = planned_readers(runtime, dispatcher, 3 * _LONGEST_LINE)
    before = len(sink.taken)
    for room in range(3 * _LONGEST_LINE):
        with monkeypatch.context() as full:
            full.setattr(journals.os, "write", _Disk(dispatcher._journal._file, room).write)
            full.setattr("rugcourse.delivery.claimer.BATCH", 1)
            dispatcher.send_batch(DeliveryQueue.LESSONS)
    clock.advance(minutes=2)
    send_all(dispatcher)
    assert len(sink.taken) - before == len(emails)
    assert len(set(sink.message_ids)) == len(sink.message_ids)


def test_a_full_disk_that_meets_the_answer_leaves_the_mail_accepted(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)

    def full(*_: object) -> None:
        raise JournalError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "reply", full)
        dispatcher.send_batch(DeliveryQueue.LESSONS)
    assert lessons_to(runtime, email)[0].state == DeliveryState.ACCEPTED


def test_a_mistake_between_the_last_dot_and_the_ledger_leaves_the_mail_unknown(
    runtime: Runtime, dispatcher: Dispatcher, sink: Sink, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    [email] = planned_readers(runtime, dispatcher, 1)
    before = len(sink.to(email))

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Dispatcher, "_judge", fail)
        with pytest.raises(MemoryError):
            dispatcher.send_batch(DeliveryQueue.LESSONS)
    clock.advance(minutes=1)
    send_all(dispatcher)
    assert len(sink.to(email)) == before + 1
    assert lessons_to(runtime, email)[0].state == DeliveryState.UNKNOWN


_A_REAL_LIMIT = """
import os, resource, signal, sys
from pathlib import Path
from rugcourse.delivery.journal import Journal, JournalError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path(sys.argv[1]))
journal.submit("a" * 32, [1, 2, 3])
resource.setrlimit(resource.RLIMIT_FSIZE, (80, resource.RLIM_INFINITY))
try:
    journal.begin("a" * 32, 1)
except JournalError:
    print("told", flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.begin("a" * 32, 2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_line_that_a_real_limit_cuts_off_is_told_and_taken_back(tmp_path: Path) -> None:
    """write(2) writes what fits, and raises nothing."""
    ran = subprocess.run(
        [sys.executable, "-c", _A_REAL_LIMIT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == -signal.SIGKILL
    assert ran.stdout == "told\n"
    [path] = tmp_path.glob("*.journal")
    records = read_records(path)
    assert records.intact
    assert records.leases[0].begun == {2}
    assert records.leases[0].not_started == [1, 3]


def test_half_a_line_that_cant_be_taken_back_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.submit("lease", [1, 2])
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise OSError(errno.EIO, "broken")

        patched.setattr(journals.os, "write", _Disk(journal._file, 5).write)
        patched.setattr(journals.os, "ftruncate", fail)
        with pytest.raises(JournalError):
            journal.begin("lease", 1)
    with pytest.raises(JournalError):
        journal.begin("lease", 2)


def test_journal_with_a_damaged_line_counts_its_deliveries_as_maybe_sent(tmp_path: Path) -> None:
    """Whatever stood in the line that can't be read, it may have been the beginning of any of them."""
    path = tmp_path / "1-x.journal"
    path.write_text(
        "submit old 7\ndone old\nsubmit lease 1,2,3\nreply lease 2 accepted 250 ok\nbegin lea\nsubmit b 9\n"
    )
    records = read_records(path)
    lease, later = records.leases
    assert not records.intact
    assert (lease.maybe_sent, lease.not_started, later.not_started) == ([1, 3], [], [9])


def test_a_damaged_journal_is_settled_as_far_as_it_can_be(
    runtime: Runtime, dispatcher: Dispatcher, clock: VirtualClock, tmp_path: Path
) -> None:
    accepted, maybe_sent = planned_readers(runtime, dispatcher, 2)
    batch = dispatcher._claimer.claim(DeliveryQueue.LESSONS)
    assert batch is not None
    first, second = (lessons_to(runtime, email)[0].id for email in (accepted, maybe_sent))
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "1-x.journal").write_text(
        f"submit {batch.lease} {first},{second}\nreply {batch.lease} {first} accepted 250 ok\nbegin\n"
    )
    settle_journals(runtime.database, clock, folder, rejection_handler(runtime))
    assert lessons_to(runtime, accepted)[0].state == DeliveryState.ACCEPTED
    assert lessons_to(runtime, maybe_sent)[0].state == DeliveryState.UNKNOWN
    assert [path.name for path in folder.iterdir()] == ["1-x.unreadable"]


def test_a_journal_that_is_being_opened_is_not_taken_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = journals.fcntl.flock

    def race(file: int, how: int) -> None:
        if how == journals.fcntl.LOCK_EX:
            monkeypatch.setattr(journals.fcntl, "flock", lock)
            with dead_journals(tmp_path) as found:
                for path in found:
                    path.unlink()
        lock(file, how)

    monkeypatch.setattr(journals.fcntl, "flock", race)
    journal = Journal(tmp_path)
    journal.submit("lease", [1])
    [path] = tmp_path.glob("*.journal")
    assert read_records(path).leases[0].submitted == [1]


def test_a_journal_that_another_worker_has_just_settled_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1-dead.journal").write_text("submit lease 1\n")
    open_file = os.open

    def race(path: Path, *flags: int) -> int:
        file = open_file(path, *flags)
        path.unlink()
        return file

    monkeypatch.setattr(journals.os, "open", race)
    with dead_journals(tmp_path) as found:
        assert found == []
