"""The withdrawal log: records outside the database who withdrew, so that restoring a backup can't undo it.

An append-only file of lines `instant kind digest`, with a keyed hash in place of the address. A line is on the disk
before its transaction commits. So there may be a line for a transaction that was rolled back, which somebody did ask
for; none is missing for one that committed. If the file can't be written, the withdrawal takes effect nevertheless,
and the error is logged and reported by the doctor.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session

from rugcourse.links import Signer
from rugcourse.settings import Settings

UNSUBSCRIBED = "unsubscribed"
MEASURING = "measuring"
NEWS = "news"
STATISTICS_OBJECTED = "compared"  # objects to comparisons and statistics
TAGS_OBJECTED = "tagged"  # objects to tags
LINKS_CLOSED = "links"  # closed the links of all mails until then
STATISTICS_ALLOWED = "compares"  # allows comparisons and statistics again
TAGS_ALLOWED = "tags"  # allows tags again
FORMER_ADDRESS = "former"  # a former address of an erased person; does not affect who has it now
RETURNED = "returned"  # came back after unsubscribing
LIFTED = "lifted"  # the suppression was lifted
NO_SUPPRESSION = frozenset(
    {
        UNSUBSCRIBED,
        MEASURING,
        NEWS,
        STATISTICS_OBJECTED,
        STATISTICS_ALLOWED,
        TAGS_OBJECTED,
        TAGS_ALLOWED,
        LINKS_CLOSED,
        FORMER_ADDRESS,
        RETURNED,
        LIFTED,
    }
)
"""Any other kind is the reason of a suppression."""

_NOTED = "withdrawals"
_FILE = "withdrawals.log"
_LOCK = "withdrawals.lock"
_DIGEST_BYTES = 32
log = structlog.get_logger()


class Withdrawal(NamedTuple):
    """A withdrawal by the owner of the address with this digest. `at` in UTC."""

    at: datetime
    kind: str
    digest: bytes


class _Recorded(NamedTuple):
    at: datetime
    kind: str
    email: str
    digest: str


def record(session: Session, kind: str, at: datetime, *, email: str = "", digest: str = "") -> None:
    """Record a withdrawal when this transaction commits. The person is given by address or digest."""
    session.info.setdefault(_NOTED, []).append(_Recorded(at, kind, email, digest))


def take_recorded(session: Session) -> list[_Recorded]:
    """Return and clear the withdrawals recorded in a transaction."""
    noted: list[_Recorded] = session.info.pop(_NOTED, [])
    return noted


@dataclass(frozen=True, slots=True)
class WithdrawalLog:
    """The file, in its own folder. Processes and threads of a machine can share it."""

    folder: Path
    signer: Signer
    days: int

    @classmethod
    def of(cls, settings: Settings, signer: Signer) -> WithdrawalLog:
        return cls(settings.data_dir / "withdrawals", signer, settings.keep_withdrawal_days)

    @property
    def file(self) -> Path:
        return self.folder / _FILE

    def keep(self, session: Session) -> None:
        """Write the withdrawals of a transaction that is about to commit. Never raises OSError."""
        noted = take_recorded(session)
        if not noted:
            return
        try:
            self._append([_line(one.at, one.kind, one.digest or self.signer.digest(one.email)) for one in noted])
        except OSError:
            log.exception("withdrawals_not_recorded", file=str(self.file))

    def read(self) -> Iterator[Withdrawal]:
        """Yield all withdrawals, oldest first, without invalid lines. Raises OSError."""
        try:
            with self.file.open("rb") as lines:
                yield from filter(None, map(_read, lines))
        except FileNotFoundError:
            return

    def forget(self, before: datetime) -> int:
        """Delete withdrawals from before an instant, and invalid lines; returns how many. Raises OSError."""
        if not self.file.exists():
            return 0
        with self._locked():
            return self._drop(before)

    def check(self) -> None:
        """Raise OSError if the file can't be written."""
        with self._locked():
            self._append_bytes(b"")

    def _append(self, lines: Sequence[bytes]) -> None:
        with self._locked():
            self._append_bytes(b"".join(lines))
            # Each machine has its own file, and not every machine runs the nightly job.
            self._drop_old(_read(lines[-1]))

    def _drop_old(self, newest: Withdrawal | None) -> None:
        with self.file.open("rb") as kept:
            oldest = _read(kept.readline())
        if newest and oldest and oldest.at < newest.at - timedelta(days=self.days + 1):
            self._drop(newest.at - timedelta(days=self.days))

    def _append_bytes(self, data: bytes) -> None:
        is_new = not self.file.exists()
        file = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":  # the disk was full, or the machine crashed
                data = b"\n" + data
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        finally:
            os.close(file)
        if is_new:
            self._sync_folder()

    def _drop(self, before: datetime) -> int:
        """Delete old lines by writing a new file that replaces this one atomically."""
        new, dropped = self.file.with_suffix(".new"), 0
        with (
            self.file.open("rb") as lines,
            open(new, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as kept,
        ):
            for line in lines:
                read = _read(line)
                if read is not None and read.at >= before:
                    kept.write(line)
                else:
                    dropped += 1
            kept.flush()
            os.fsync(kept.fileno())
        new.replace(self.file)
        self._sync_folder()
        return dropped

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock a separate file, as the log itself may be replaced meanwhile."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _line(at: datetime, kind: str, digest: str) -> bytes:
    return f"{at.astimezone(UTC).isoformat()} {kind} {digest}\n".encode()


def _read(line: bytes) -> Withdrawal | None:
    try:
        at, kind, digest = line.decode("ascii").split()
        read = Withdrawal(datetime.fromisoformat(at).astimezone(UTC), kind, bytes.fromhex(digest))
    except ValueError:
        return None
    return read if len(read.digest) == _DIGEST_BYTES else None
