"""Queries for heartbeats of processes, the identity of the database, and other facts about the installation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from rugcourse.db.bulk import count, dialect_of, upsert
from rugcourse.db.models import HeartbeatRow, KeyValueRow

REPUTATION = "reputation"  # the complaint levels of recipients' domains
_IDENTITY = "database"
_STEP = 1_000_000  # more ids than anybody uses between two backups


def register_process(session: Session, row: HeartbeatRow) -> None:
    """Record the first heartbeat of a process that the database does not know, or no longer knows."""
    session.merge(row)


def find_process(session: Session, process_id: str) -> HeartbeatRow | None:
    return session.get(HeartbeatRow, process_id)


def touch_process(session: Session, process_id: str, before: datetime, now: datetime) -> bool:
    """Record a heartbeat; returns False if the database does not have the previous one, at `before`.

    A later time than `before` in the database is a heartbeat whose commit was not confirmed.
    """
    result = session.execute(
        update(HeartbeatRow)
        .where(HeartbeatRow.id == process_id, HeartbeatRow.seen_at >= before)
        .values(seen_at=now)
        .execution_options(synchronize_session=False)
    )
    return count(result) == 1


def forget_processes(session: Session, before: datetime) -> None:
    session.execute(delete(HeartbeatRow).where(HeartbeatRow.seen_at < before))


def all_processes(session: Session) -> Sequence[HeartbeatRow]:
    """Return all processes by kind, the latest heartbeat first."""
    return session.scalars(select(HeartbeatRow).order_by(HeartbeatRow.kind, HeartbeatRow.seen_at.desc())).all()


def identity(session: Session) -> str:
    """Return an identity that a copy or a restored backup of this database does not share.

    PostgreSQL: the cluster, the database, and the ledger's table in it. SQLite: the file.
    """
    if session.get_bind().dialect.name == "postgresql":
        query = (
            "SELECT system_identifier || ':' || pg_database.oid || ':' || 'delivery'::regclass::oid "
            "FROM pg_control_system(), pg_database WHERE datname = current_database()"
        )
        return str(session.execute(text(query)).scalar_one())
    file = session.execute(text("SELECT file FROM pragma_database_list WHERE name = 'main'")).scalar_one()
    return f"file:{Path(file).stat().st_ino}"


def database_time(session: Session) -> datetime:
    """Return the current time of the database server (UTC); for SQLite, of this machine."""
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(text("SELECT clock_timestamp()")).scalar_one()  # type: ignore[no-any-return]
    return datetime.fromisoformat(session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00')")).scalar_one())


def known_identity(session: Session) -> str | None:
    """Return the identity of the database from which an admin last allowed sending."""
    return get_value(session, _IDENTITY)


def keep_identity(session: Session, value: str) -> None:
    set_value(session, _IDENTITY, value)


def move_numbers_on(session: Session) -> None:
    """Skip ids, so that new rows get unused ones: ids that a backup lacks are in links, mails and open forms."""
    session.execute(text(f"UPDATE course SET draft_revision = draft_revision + {_STEP}"))  # noqa: S608
    tables = (
        "subscriber",
        "delivery",
        "enrolment",
        "assessment_attempt",
        "email_event",
        "job",
        "audit_log",
        "lesson_version",
    )
    if dialect_of(session) == "sqlite":
        names = ", ".join(f"'{one}'" for one in tables)
        session.execute(text(f"UPDATE sqlite_sequence SET seq = seq + {_STEP} WHERE name IN ({names})"))  # noqa: S608
        return
    for one in tables:
        sequence = f"pg_get_serial_sequence('{one}', 'id')"
        session.execute(text(f"SELECT setval({sequence}, nextval({sequence}) + {_STEP})"))


def get_value(session: Session, key: str) -> str | None:
    """Return a stored value of the installation, or None."""
    return session.scalar(select(KeyValueRow.value).where(KeyValueRow.key == key))


def set_value(session: Session, key: str, value: str) -> None:
    session.execute(
        upsert(session, KeyValueRow)
        .values(key=key, value=value)
        .on_conflict_do_update(index_elements=["key"], set_={"value": value})
    )
