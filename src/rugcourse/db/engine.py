"""Opens the database and begins transactions. No other module uses an SQLAlchemy engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from rugcourse.db.withdrawal_log import WithdrawalLog
from rugcourse.errors import ConfigError, InvalidInput, UnavailableError
from rugcourse.picture_storage.storage import PictureStorage

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_WRITE = "rugcourse_write"
_SCRUB = "rugcourse_scrub"
_PICTURES = "rugcourse_picture_storage"
_POSTGRESQL = "postgresql"
_SQLITE_BUSY_SECONDS = 30
_SCRUB_SECONDS = 2
# Of one process to PostgreSQL. They stay open, as opening one takes longer than most transactions. If all are in use,
# a thread waits for a moment.
_CONNECTIONS = 15


class DatabaseError(ConfigError):
    """The database can't be used as configured. The message says how to fix it."""


class DatabaseAway(UnavailableError):
    """The database could not be reached, or was locked or full. It is unknown whether the transaction committed."""


class BadValue(InvalidInput):
    """A value can't be stored or searched: a number too large for any column, or a character not allowed in text."""


class Database:
    """A database on SQLite or PostgreSQL.

    `write()` and `read()` are the units of work: one transaction each, committed when the block ends, rolled back when
    it raises. On SQLite a write takes its lock immediately (BEGIN IMMEDIATE), so that it never fails half-way because
    of another writer.
    """

    def __init__(self, url: str, *, password: str = "", durable: bool = True) -> None:
        """Does not connect yet. `password`: if the URL has none. Raises DatabaseError.

        `durable` False: SQLite does not wait for the disk, for a simulation whose database is thrown away.
        """
        self.engine = _engine(url, password, durable=durable)
        self._writing = self.engine.execution_options(**{_WRITE: True})
        self.withdrawals: WithdrawalLog | None = None  # records withdrawals outside the database
        self.picture_storage: PictureStorage | None = None  # the bytes of pictures outside the database

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of SQLite: database, write-ahead log and shared memory. Empty on PostgreSQL."""
        name = self.engine.url.database
        if self.dialect == _POSTGRESQL or not name or name == ":memory:":
            return ()
        return tuple(Path(name + ending) for ending in ("", "-wal", "-shm"))

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Session]:
        """Begin a write transaction. Raises DatabaseAway.

        `durable` False: the commit does not wait for the disk (PostgreSQL). If the database crashes within that moment,
        the whole transaction is lost; the next durable commit also makes all earlier ones durable.
        """
        with _away(), self._session(self._writing) as session:
            with session.begin():
                if not durable and self.dialect == _POSTGRESQL:
                    session.connection().exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield session
                session.flush()
                if self.withdrawals is not None:
                    self.withdrawals.keep(session)
            if _SCRUB in session.info:
                self.scrub()

    @contextmanager
    def write_batch(self, *, durable: bool = True) -> Iterator[Session]:
        """Begin a write transaction, as `write` does, for statements that select each row by an index.

        PostgreSQL is told to use indexes only: a cached plan from when the ledger was small would read all of it for
        each batch later.
        """
        with self.write(durable=durable) as session:
            if self.dialect == _POSTGRESQL:
                session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Begin a read transaction. Raises DatabaseAway."""
        with _away(), self._session(self.engine) as session, session.begin():
            yield session

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False, info={_PICTURES: self.picture_storage})

    def run(
        self,
        function: Callable[Concatenate[Session, _Arguments], _Result],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Result:
        """Call a function of the product with the session of one write transaction. Raises DatabaseAway.

        Everything that the function does is kept, or nothing is when it raises: this is the edge at which views,
        commands and tasks begin a transaction.
        """
        with self.write() as session:
            return function(session, *arguments, **named)

    def query(
        self,
        function: Callable[Concatenate[Session, _Arguments], _Result],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Result:
        """Call a function that only reads with the session of one transaction. Raises DatabaseAway."""
        with self.read() as session:
            return function(session, *arguments, **named)

    def reach(self) -> None:
        """Check the connection. Raises DatabaseAway when the database can't be reached."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def scrub(self) -> None:
        """Overwrite deleted data in SQLite's write-ahead log, which contains it until the log is emptied.

        Waits only a moment for readers; if they take longer, the next call does it. PostgreSQL does this itself
        (vacuum).
        """
        if self.dialect == _POSTGRESQL:
            return
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_SCRUB_SECONDS * 1000}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute(f"PRAGMA busy_timeout={_SQLITE_BUSY_SECONDS * 1000}")
            cursor.close()
        finally:
            connection.close()

    def close(self) -> None:
        self.engine.dispose()


def scrub_after_commit(session: Session) -> None:
    """Let `Database.scrub` follow the transaction of a session: it deleted what no file may keep."""
    session.info[_SCRUB] = True


def picture_storage_of(session: Session) -> PictureStorage | None:
    """Return where the bytes of pictures are that are not in the database."""
    found: PictureStorage | None = session.info[_PICTURES]
    return found


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise DatabaseAway(str(error.orig)) from error
    except (DataError, OverflowError, UnicodeEncodeError) as error:
        raise BadValue(type(error).__name__) from error


def _engine(address: str, password: str, *, durable: bool) -> Engine:
    """Create the engine. Its errors show no parameters: addresses and names must not get into logs."""
    try:
        url = make_url(address)
    except ArgumentError:
        raise DatabaseError(
            "RUGCOURSE_DATABASE_URL can't be read; write sqlite:///path/to/file.db or postgresql://user:pass@host/name"
        ) from None
    match url.get_backend_name():
        case "sqlite":
            if url.database and url.database != ":memory:":
                Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            engine = create_engine(
                url, hide_parameters=True, connect_args={"timeout": _SQLITE_BUSY_SECONDS, "check_same_thread": False}
            )
            event.listen(engine, "do_connect", _make_private)
            event.listen(engine, "connect", partial(_prepare_sqlite, durable=durable))
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        case "postgresql":
            # Random reads are cheap on today's disks, and the query planner should know before it has statistics. No
            # JIT: compiling takes longer than any statement here, and `write_batch` makes small ones look expensive.
            options = {"options": "-c random_page_cost=1.1 -c jit=off"}
            url = url.set(drivername="postgresql+psycopg", password=url.password or password or None)
            return create_engine(
                url, hide_parameters=True, pool_size=_CONNECTIONS, max_overflow=0, connect_args=options
            )
        case other:
            raise DatabaseError(f"RUGCOURSE_DATABASE_URL: {other} is not supported; use sqlite or postgresql")


def _make_private(_dialect: object, _record: object, arguments: list[object], _named: dict[str, object]) -> None:
    """Make a new file private to this user, and with it SQLite's other files, whatever the umask is."""
    file = Path(str(arguments[0]))
    if str(file) != ":memory:" and not file.exists():
        file.touch(mode=0o600)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object, *, durable: bool) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # If the record of an accepted mail were lost, it would be sent twice.
    cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # overwrites deleted data
    connection.create_function("unicode_lower", 1, str.lower, deterministic=True)  # of a search with an é
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
