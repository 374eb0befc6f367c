"""The index of trigrams that finds subscribers by any part of their address or name.

It is no part of the migrations, as the server or SQLite may lack what it needs, or get it later: each upgrade makes it
where it can. On PostgreSQL it is a GIN index of the extension pg_trgm; on SQLite a table of FTS5, kept by triggers.
Where it is missing, a search finds the beginning of an address.
"""

from __future__ import annotations

import sqlite3

import structlog
from sqlalchemy import ColumnClause, Connection, String, TableClause, column, event, literal_column, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rugcourse.db.engine import Database

log = structlog.get_logger(__name__)

# SQLite's own `lower` knows ASCII only; `unicode_lower` is Python's, and compares the few rows that the index finds.
SEARCHED_ON_SQLITE: ColumnClause[str] = literal_column(
    "unicode_lower(subscriber.email || ' ' || subscriber.name)", String
)
SEARCHED: ColumnClause[str] = literal_column("(subscriber.email || ' ' || lower(subscriber.name))", String)
MIN_LETTERS = 3  # a trigram; shorter texts would read the whole table

_TABLE = "subscriber_search"
TRIGRAMS: TableClause = table(_TABLE, column("rowid"), column(_TABLE))  # the second is how FTS5 is asked
_INDEX = "ix_subscriber_search"
_FORGETTING = "rugcourse_search_index_forgets"
_ONE_AT_A_TIME = 7_284_004  # any number
_MAKING = f"""
CREATE INDEX CONCURRENTLY IF NOT EXISTS {_INDEX} ON subscriber USING gin ((email || ' ' || lower(name)) gin_trgm_ops)
"""
_IS_VALID = f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{_INDEX}')"  # noqa: S608 - our own name
_EXISTS = f"SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '{_TABLE}')"  # noqa: S608 - our own name

# It stores no text, only which rows have which three letters: a quarter of the size, and a search checks what it finds.
_MAKING_TABLE = (
    f"CREATE VIRTUAL TABLE {_TABLE} USING fts5(words, content='', detail='none', columnsize=0, tokenize='trigram')"
)
_FILLING = f"INSERT INTO {_TABLE} (rowid, words) SELECT id, email || ' ' || name FROM subscriber"  # noqa: S608 - ours
_ADDING = f"INSERT INTO {_TABLE} (rowid, words) VALUES (new.id, new.email || ' ' || new.name)"  # noqa: S608 - ours
_REMOVING = f"INSERT INTO {_TABLE} ({_TABLE}, rowid, words) VALUES ('delete', old.id, old.email || ' ' || old.name)"  # noqa: S608
_TRIGGERS = {
    "subscriber_search_insert": f"AFTER INSERT ON subscriber BEGIN {_ADDING}; END",
    "subscriber_search_update": f"AFTER UPDATE OF email, name ON subscriber BEGIN {_REMOVING}; {_ADDING}; END",
    "subscriber_search_delete": f"AFTER DELETE ON subscriber BEGIN {_REMOVING}; END",
}


def make_search_index(database: Database) -> None:
    """Make the index, if the database can have it and this role may make it. On PostgreSQL, writes go on meanwhile."""
    if database.engine.dialect.name != "postgresql":
        with database.write() as session:
            _make_table(session)
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        is_there = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"
        if connection.scalar(text(is_there)):
            _make(connection)


def finds_parts(session: Session) -> bool:
    """Whether a search finds any part of an address or name; otherwise only the beginning of an address."""
    is_there = _IS_VALID if session.get_bind().dialect.name == "postgresql" else _EXISTS
    return bool(session.scalar(text(is_there)))


def trigrams_of(wanted: str) -> str:
    """Return the question to FTS5 for rows that have all trigrams of a text of three letters or more, in any order."""
    parts = {wanted[at : at + MIN_LETTERS].replace('"', '""') for at in range(len(wanted) - MIN_LETTERS + 1)}
    return " AND ".join(f'"{part}"' for part in sorted(parts))


def forget_erased(session: Session) -> None:
    """Let no letters of erased people stay in SQLite's index, once the transaction of this session is committed.

    FTS5 marks what is deleted, and removes it when it merges its parts: this merges them, once a transaction.
    """
    if session.get_bind().dialect.name != "postgresql" and _FORGETTING not in session.info:
        session.info[_FORGETTING] = True
        event.listen(session, "before_commit", _merge, once=True)


def _merge(session: Session) -> None:
    if finds_parts(session):
        session.execute(text(f"INSERT INTO {_TABLE} ({_TABLE}) VALUES ('optimize')"))  # noqa: S608 - our own name


def _make_table(session: Session) -> None:
    if not _has_trigrams():
        for name in _TRIGGERS:  # left by an SQLite that had them: without its table nobody could be added
            session.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        return
    if finds_parts(session):
        return
    session.execute(text(_MAKING_TABLE))
    session.execute(text(_FILLING))
    for name, trigger in _TRIGGERS.items():
        session.execute(text(f"CREATE TRIGGER {name} {trigger}"))


def _has_trigrams() -> bool:
    """Whether this SQLite was built with FTS5, and is new enough for its trigrams (3.34)."""
    with sqlite3.connect(":memory:") as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE one USING fts5(two, tokenize='trigram')")
        except sqlite3.OperationalError:
            return False
    return True


def _make(connection: Connection) -> None:
    # Who waited for the lock would keep the making from ending: it waits for all older statements.
    if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ONE_AT_A_TIME}):
        return
    try:
        if connection.scalar(text(_IS_VALID)):
            return
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        # Left behind by one that was interrupted.
        connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}"))
        connection.execute(text(_MAKING))
    except DBAPIError as error:
        log.warning("search_index_not_made", error=str(error.orig))
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ONE_AT_A_TIME})
