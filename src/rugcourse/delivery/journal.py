"""What a worker writes on its own disk while it sends, so that a kill -9 leaves as little doubt as possible.

One append-only file per process, locked for as long as the process lives (a lock that a crash can't leave behind).
Lines, each written in one call, so that threads can share the file:

    submit  LEASE ID,ID,…       these are in state `submitting`
    begin   LEASE ID            the bytes that the server may accept go out next
    reply   LEASE ID STATE …    what the server said
    done    LEASE               all of it is settled in the database

The page cache survives the death of a process, so no fsync is needed for what this protects against.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rugcourse.store.tables import DeliveryState

_MAX_BYTES = 4_000_000


@dataclass(slots=True)
class LeaseRecord:
    """What a journal knows of one lease that was never settled. `replies`: id → (state, the server's words)."""

    lease: str
    submitted: list[int]
    begun: set[int] = field(default_factory=set)
    replies: dict[int, tuple[DeliveryState, str]] = field(default_factory=dict)


class Journal:
    """The journal of this process. Safe to share among threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.journal"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._open: set[str] = set()
        self._bytes = 0
        self._lock = threading.Lock()

    def submit(self, lease: str, ids: list[int]) -> None:
        with self._lock:
            self._open.add(lease)
        self._write(f"submit {lease} {','.join(map(str, ids))}")

    def begin(self, lease: str, delivery_id: int) -> None:
        self._write(f"begin {lease} {delivery_id}")

    def reply(self, lease: str, delivery_id: int, state: DeliveryState, words: str) -> None:
        self._write(f"reply {lease} {delivery_id} {state} {' '.join(words.split())}")

    def done(self, lease: str) -> None:
        self._write(f"done {lease}")
        with self._lock:
            self._open.discard(lease)
            if not self._open and self._bytes > _MAX_BYTES:
                os.ftruncate(self._file, 0)
                self._bytes = 0

    def close(self) -> None:
        """Give the journal up: the file goes, unless it holds something that is not settled."""
        if not self._open:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, line: str) -> None:
        raw = f"{line}\n".encode()
        os.write(self._file, raw)
        self._bytes += len(raw)


@contextmanager
def dead_journals(folder: Path) -> Iterator[list[Path]]:
    """The journals of processes that no longer live, held while the block runs."""
    held: list[int] = []
    found: list[Path] = []
    try:
        for path in sorted(folder.glob("*.journal")):
            try:
                file = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue  # its process ended well just now
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue  # its process lives
            held.append(file)
            found.append(path)
        yield found
    finally:
        for file in held:
            os.close(file)


def read_records(path: Path) -> list[LeaseRecord]:
    """The leases in a journal that no `done` closes. A last line that was cut off is not there.

    Raises ValueError or KeyError for a file that no journal wrote.
    """
    records: dict[str, LeaseRecord] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
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
                pass
    return list(records.values())
