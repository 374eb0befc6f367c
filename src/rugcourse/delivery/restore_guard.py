"""Notices that the database is not the one last used for sending: a copy, or a restored backup.

Such a ledger does not know what went out since. Sending from it would repeat mails, so everything is held until an
admin releases it. It is recognised by its identity, or by a missing heartbeat that a process had seen committed and
noted in the folder of its local state.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.queries import heartbeats
from rugcourse.delivery.holds import hold_until_released

KEPT_DAYS = 7  # heartbeats are deleted after that
_MARK = "last-seen"
_MOVED = "this database is a copy, or stands elsewhere than the one that was sent from last"
_OLDER = "the database has forgotten what it knew: a backup was put back"


def check(database: Database, clock: Clock, folder: Path) -> None:
    """Hold everything if this database can't be the one last used for sending. `folder`: of the local state."""
    with database.write() as session:
        known, found = heartbeats.known_identity(session), heartbeats.identity(session)
        if known is None:
            heartbeats.keep_identity(session, found)
        elif known != found:
            hold_until_released(session, _MOVED, clock.now())
        if _has_forgotten(session, folder / _MARK, clock.now()):
            hold_until_released(session, _OLDER, clock.now())
    (folder / _MARK).unlink(missing_ok=True)


def note(folder: Path, process_id: str, seen_at: datetime) -> None:
    """Record outside the database that it has committed this heartbeat. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).write_text(f"{process_id} {seen_at.isoformat()}", encoding="ascii")


def forgotten_while_running(database: Database, clock: Clock) -> None:
    """Hold everything, as the database no longer has a heartbeat that it had committed."""
    with database.write() as session:
        hold_until_released(session, _OLDER, clock.now())


def _has_forgotten(session: Session, mark: Path, now: datetime) -> bool:
    try:
        process_id, _, seen = mark.read_text(encoding="ascii").partition(" ")
        seen_at = datetime.fromisoformat(seen).astimezone(UTC)
    except (FileNotFoundError, ValueError):
        return False
    if now - seen_at > timedelta(days=KEPT_DAYS):
        return False
    row = heartbeats.find_process(session, process_id)
    return row is None or row.seen_at < seen_at
