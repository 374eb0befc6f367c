"""Databases for one test after the other, each empty or with the shipped courses, made in milliseconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url, text
from sqlalchemy.orm import Session
from tests.support.builders import MORNING, shipped_courses, shipped_pictures

from rugcourse.clock import VirtualClock
from rugcourse.course_editor.file_sync import import_course
from rugcourse.db.bulk import dialect_of
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import Base

_TABLES = [table.name for table in Base.metadata.sorted_tables]


_COUNT_ON = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, last_value) "
    "FROM shipped.numbers WHERE last_value IS NOT NULL"
)


@contextmanager
def unchecked(session: Session, table: str) -> Iterator[None]:
    """Let a test write to a table what the database's rules forbid: rows of a fault, or of a newer release."""
    if dialect_of(session) == "sqlite":
        session.execute(text("PRAGMA ignore_check_constraints = ON"))
        yield
        session.flush()
        session.execute(text("PRAGMA ignore_check_constraints = OFF"))
        return
    rules = session.execute(
        text(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid = CAST(:t AS regclass)"
        ),
        {"t": table},
    ).all()
    for name, _ in rules:
        session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    yield
    session.flush()
    for name, rule in rules:
        kept = rule.removesuffix(" NOT VALID").replace(":", "\\:")
        session.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {kept} NOT VALID"))


class SqliteFiles:
    """Copies of a migrated file, and one engine for all of them: it keeps its compiled statements.

    It does not wait for the disk: no test takes the power away, and each file is for one test.
    """

    def __init__(self, folder: Path) -> None:
        self._empty = folder / "empty.db"
        self._with_courses = folder / "with-courses.db"
        self._database = Database(f"sqlite:///{self._empty}", durable=False)
        event.listen(self._database.engine, "do_connect", self._connect_to_this, insert=True)
        upgrade(self._database)
        self._checkpoint()
        shutil.copy(self._empty, self._with_courses)
        with self.opened(self._with_courses):
            import_course(self._database, VirtualClock(MORNING), shipped_courses(), shown=shipped_pictures())
            self._checkpoint()

    @contextmanager
    def copied(self, file: Path, *, with_courses: bool) -> Iterator[Database]:
        shutil.copy(self._with_courses if with_courses else self._empty, file)
        with self.opened(file):
            yield self._database

    @contextmanager
    def opened(self, file: Path) -> Iterator[None]:
        self._database.close()
        self._database.engine.url = make_url(f"sqlite:///{file}")
        self._database.withdrawals = None
        yield
        self._database.close()

    def _checkpoint(self) -> None:
        with self._database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()

    def _connect_to_this(self, _dialect: object, _record: object, arguments: list[Any], _named: object) -> None:
        arguments[0] = self._database.engine.url.database


class PostgresRows:
    """The rows of one database, set back for each test. The shipped courses are kept in a schema of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        upgrade(database)
        import_course(database, VirtualClock(MORNING), shipped_courses(), shown=shipped_pictures())
        with database.engine.begin() as connection:
            self._filled = [one for one in _TABLES if connection.scalar(text(f"SELECT count(*) FROM {one}"))]  # noqa: S608
            connection.execute(text("CREATE SCHEMA shipped"))
            for one in self._filled:
                connection.execute(text(f"CREATE TABLE shipped.{one} AS TABLE {one}"))
            connection.execute(text("CREATE TABLE shipped.numbers AS SELECT * FROM pg_sequences"))

    def set_back(self, *, with_courses: bool) -> None:
        """Deleting few rows would take a tenth of the time, and leave rows in another order than they are made in,
        on which some tests count (the first of two mails in a batch)."""
        self._database.withdrawals = None
        statements = [f"TRUNCATE {', '.join(_TABLES)} RESTART IDENTITY CASCADE"]
        if with_courses:
            statements += ["SET LOCAL session_replication_role = replica"]
            statements += [f"INSERT INTO {one} SELECT * FROM shipped.{one}" for one in self._filled]  # noqa: S608
            statements += [_COUNT_ON]
        with self._database.engine.begin() as connection:
            connection.execute(text("; ".join(statements)))
