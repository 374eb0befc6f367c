"""An installation with something of everything, and empty places for its backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from tests.support.builders import answer, at_eight, make_reader, plan, reader_with_lesson, send_all

from rugcourse.backup.create import MadeBackup, create_backup
from rugcourse.backup.restore import RestoreTarget
from rugcourse.bootstrap import Runtime, rejection_handler
from rugcourse.db import table_rows
from rugcourse.db.engine import Database
from rugcourse.db.table_rows import Value
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.enrolment.suppression import check_key, suppress_address


def silent(_done: int, _total: int) -> None:
    """No progress is shown."""


def fill(runtime: Runtime, dispatcher: Dispatcher) -> None:
    """Readers with lessons, an answer, a tag and an é; a suppressed address; a lesson that is planned."""
    runtime.database.run(check_key, runtime.signer)
    email = reader_with_lesson(runtime, dispatcher)
    answer(runtime, email)
    make_reader(runtime, "zoe@example.org")
    send_all(dispatcher)
    at_eight(runtime, 1)
    assert plan(runtime)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, "gone@example.org", "operator")


def back_up(runtime: Runtime, path: Path, *, overwrite: bool = False) -> MadeBackup:
    journals = runtime.settings.data_dir / "journal"
    return create_backup(runtime.database, journals, path, runtime.clock.now(), silent, overwrite=overwrite)


def target_for(runtime: Runtime, database: Database, folder: Path) -> RestoreTarget:
    """Another place with the keys and the clock of an installation."""
    return RestoreTarget(database, folder / "journal", runtime.signer, runtime.clock, rejection_handler(runtime))


def all_rows(database: Database) -> dict[str, list[list[Value]]]:
    """Table → rows, but for what a restore writes itself: the hold on sending."""
    with database.read() as session:
        return {
            one.name: [row for batch in table_rows.read_rows(session, one) for row in batch]
            for one in table_rows.layouts()
            if one.name != "hold"
        }


@contextmanager
def empty_place(dialect: str, folder: Path, postgres_url: str) -> Iterator[Database]:
    """A database without tables."""
    if dialect == "sqlite":
        database = Database(f"sqlite:///{folder / 'restored.db'}")
        yield database
        database.close()
        return
    server = Database(postgres_url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS restored"))
        connection.execute(text("CREATE DATABASE restored"))
    database = Database(server.engine.url.set(database="restored").render_as_string(hide_password=False))
    yield database
    database.close()
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE restored"))
    server.close()
