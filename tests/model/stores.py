"""Empty databases for one run after the other, made in milliseconds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from tests.support import servers

from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import Base

Opener = Callable[[], tuple[Database, Path]]


@contextmanager
def sqlite() -> Iterator[Opener]:
    """A copy of a migrated file for each run."""
    with tempfile.TemporaryDirectory(prefix="rugcourse-model-") as name:
        folder = Path(name)
        empty = folder / "empty.db"
        database = Database(f"sqlite:///{empty}", durable=False)
        upgrade(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        file = folder / "run.db"
        database = Database(f"sqlite:///{file}", durable=False)  # one for all runs: it keeps its compiled statements

        def open_next() -> tuple[Database, Path]:
            database.close()
            for ending in ("-wal", "-shm"):
                file.with_name(file.name + ending).unlink(missing_ok=True)
            shutil.copy(empty, file)
            return database, _fresh(folder / "run")

        yield open_next
        database.close()


@contextmanager
def postgresql(database: Database) -> Iterator[Opener]:
    """The same database, emptied for each run: a TRUNCATE of all tables takes thrice as long as deleting few rows."""
    names = [table.name for table in Base.metadata.sorted_tables]
    with tempfile.TemporaryDirectory(prefix="rugcourse-model-") as name:

        def open_next() -> tuple[Database, Path]:
            with database.engine.begin() as connection:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
                connection.execute(text("; ".join(f"DELETE FROM {one}" for one in names)))  # noqa: S608 - our own tables
                connection.execute(text(_RESTART))
            return database, _fresh(Path(name) / "run")

        yield open_next


@contextmanager
def own_postgresql() -> Iterator[Opener]:
    """On a server of its own."""
    with tempfile.TemporaryDirectory(prefix="rugcourse-") as folder, servers.postgres(Path(folder)) as url:
        database = Database(url)
        upgrade(database)
        with postgresql(database) as opener:
            yield opener
        database.close()


_RESTART = "SELECT setval(c.oid::regclass, 1, false) FROM pg_class c WHERE c.relkind = 'S'"


def _fresh(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder
