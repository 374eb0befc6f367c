"""What a worker writes to its own disk while it sends, so that a kill -9 leaves as little doubt as possible.

One append-only file per process, locked for as long as the process lives (a lock that a crash can't leave behind).
Lines, each written in one call, so that threads can share the file:

    submit  LEASE ID,ID,…       these are in state `submitting`
    begin   LEASE ID            the bytes after which the server may accept the mail go out next
    reply   LEASE ID STATE …    the server's reply
    done    LEASE               the whole lease is settled in the database

The page cache survives the death of a process, so no fsync is needed for what this protects against.

A line is complete or absent. If the disk has no room for one, the part that was written is removed and JournalError is
raised, before the step that the line announces.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rugcourse.db.models import DeliveryState
from rugcourse.errors import UnavailableError

_MAX_BYTES = 4_000_000
_UNUSED = ".new"  # suffix of a journal that is not locked yet


class JournalError(UnavailableError):
    """The journal can't be written. Without it a mail could go out twice, so none goes out."""


@dataclass(slots=True)
class LeaseRecord:
    """The lines of a journal about one unsettled lease. `replies`: id → (state, the server's reply).

    `damaged`: a line can't be read, so it is unknown what was begun.
    """

    lease: str
    submitted: list[int]
    begun: set[int] = field(default_factory=set)
    replies: dict[int, tuple[DeliveryState, str]] = field(default_factory=dict)
    damaged: bool = False

    @property
    def maybe_sent(self) -> list[int]:
        """Ids of mails that the server may have got, without a recorded reply."""
        return [one for one in self.submitted if one not in self.replies and (self.damaged or one in self.begun)]

    @property
    def not_started(self) -> list[int]:
        """Ids of mails that the server certainly never got."""
        known = self.begun | set(self.replies)
        return [] if self.damaged else [one for one in self.submitted if one not in known]


class Records(NamedTuple):
    """The leases in a journal without a `done`, and whether all of its lines could be read."""

    leases: list[LeaseRecord]
    intact: bool


class Journal:
    """The journal of this process. Thread-safe. Raises JournalError when it can't be written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.journal"
        # Locked before it gets its final name: other processes take an unlocked journal for a dead one.
        unused = self._path.with_suffix(_UNUSED)
        self._file = os.open(unused, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unused.rename(self._path)
        self._open: set[str] = set()
        self._bytes = 0
        self._torn = False  # the last line is incomplete, so nothing may be appended
        self._lock = threading.Lock()

    def submit(self, lease: str, ids: list[int]) -> None:
        with self._lock:  # first, as closing another lease may empty the file
            self._open.add(lease)
        try:
            self._write(f"submit {lease} {','.join(map(str, ids))}")
        except JournalError:
            with self._lock:
                self._open.discard(lease)
            raise

    def begin(self, lease: str, delivery_id: int) -> None:
        self._write(f"begin {lease} {delivery_id}")

    def reply(self, lease: str, delivery_id: int, state: DeliveryState, words: str) -> None:
        self._write(f"reply {lease} {delivery_id} {state} {' '.join(words.split())}")

    def done(self, lease: str) -> None:
        """Close a lease. An error is ignored: the lease is settled in the database anyway."""
        with contextlib.suppress(JournalError):
            self._write(f"done {lease}")
        with self._lock:
            self._open.discard(lease)
            if not self._open and self._bytes > _MAX_BYTES:
                os.ftruncate(self._file, 0)
                self._bytes = 0

    def close(self) -> None:
        """Close the journal, and delete the file unless it has unsettled leases."""
        if not self._open:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, line: str) -> None:
        raw = f"{line}\n".encode()
        with self._lock:
            if self._torn:
                raise JournalError(f"there is an incomplete line at the end of {self._path}")
            try:
                written = os.write(self._file, raw)
                if written < len(raw):  # a full disk accepts a part, and raises nothing
                    self._torn = True
                    os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                    self._torn = False
                    raise JournalError(f"there is no room for a line in {self._path}")
            except OSError as error:
                raise JournalError(f"{self._path} can't be written: {error.strerror}") from error
            self._bytes += len(raw)


@contextmanager
def dead_journals(folder: Path) -> Iterator[list[Path]]:
    """Yield the journals of dead processes, locked while the block runs."""
    held: list[int] = []
    found: list[Path] = []
    try:
        for path in sorted(folder.glob("*.journal")):
            try:
                file = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue  # its process has ended normally
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue  # its process is alive
            held.append(file)
            if os.fstat(file).st_nlink:  # otherwise another worker has settled and deleted it meanwhile
                found.append(path)
        yield found
    finally:
        for file in held:
            os.close(file)


def open_leases(folder: Path) -> bytes:
    """Return the unsettled leases of all journals in a folder as one journal, for a backup.

    Whoever writes one of them goes on after this. So a mail without a reply counts as begun: when the backup is
    restored it is unknown, and not sent again.
    """
    lines: list[str] = []
    for path in sorted(folder.glob("*.journal")):
        try:
            records = read_records(path)
        except FileNotFoundError:
            continue  # its process has ended normally
        for record in records.leases:
            lines.append(f"submit {record.lease} {','.join(map(str, record.submitted))}")
            lines += [f"begin {record.lease} {one}" for one in record.submitted if one not in record.replies]
            lines += [f"reply {record.lease} {one} {state} {said}" for one, (state, said) in record.replies.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def leave_for_recovery(folder: Path, content: bytes) -> None:
    """Put a journal from a backup where a worker settles it as that of a dead process."""
    folder.mkdir(parents=True, exist_ok=True)
    unused = folder / f"restored-{secrets.token_hex(4)}{_UNUSED}"
    unused.write_bytes(content)
    unused.rename(unused.with_suffix(".journal"))


def read_records(path: Path) -> Records:
    """Parse a journal. An incomplete last line is ignored.

    An invalid line marks all open leases as damaged: it may have been about any of them.
    """
    records: dict[str, LeaseRecord] = {}
    intact = True
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
        try:
            _read_line(line, records)
        except (LookupError, ValueError):
            intact = False
            for record in records.values():
                record.damaged = True
    return Records(list(records.values()), intact)


def _read_line(line: str, records: dict[str, LeaseRecord]) -> None:
    """Parse a line into `records`. Raises LookupError or ValueError when it is not valid."""
    word, _, rest = line.partition(" ")
    lease, _, rest = rest.partition(" ")
    match word:
        case "submit":
            records[lease] = LeaseRecord(lease, [int(one) for one in rest.split(",")])
        case "begin":
            records[lease].begun.add(int(rest))
        case "reply":
            delivery_id, state, words = (*rest.split(" ", 2), "")[:3]
            kept = "".join(one for one in words if one.isprintable())
            records[lease].replies[int(delivery_id)] = (DeliveryState(state), kept)
        case "done":
            records.pop(lease, None)
        case _:
            raise ValueError(word)
