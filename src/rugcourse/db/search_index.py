"""The index that finds subscribers by any part of their address or name, on a PostgreSQL with the extension pg_trgm.

It is no part of the migrations, as the extension may be missing, or come later: each upgrade makes it where it can.
SQLite needs none: with a million subscribers a search reads all of them in a tenth of a second, which is more than a
single machine has, and an index of letters would keep those of an erased address until it is rebuilt.
"""

from __future__ import annotations

import structlog
from sqlalchemy import ColumnClause, Connection, String, literal_column, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from rugcourse.db.engine import Database

log = structlog.get_logger(__name__)

# SQLite's own `lower` knows ASCII only; `unicode_lower` is Python's, which costs a call for each row.
SEARCHED_ON_SQLITE: ColumnClause[str] = literal_column(
    "unicode_lower(subscriber.email || ' ' || subscriber.name)", String
)
SEARCHED: ColumnClause[str] = literal_column("(subscriber.email || ' ' || lower(subscriber.name))", String)
MIN_LETTERS = 3  # a trigram; shorter texts would read the whole table

_INDEX = "ix_subscriber_search"
_ONE_AT_A_TIME = 7_284_004  # any number
_MAKING = f"""
CREATE INDEX CONCURRENTLY IF NOT EXISTS {_INDEX} ON subscriber USING gin ((email || ' ' || lower(name)) gin_trgm_ops)
"""
_IS_VALID = f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{_INDEX}')"  # noqa: S608 - our own name


def make_search_index(database: Database) -> None:
    """Make the index, if the server has the extension and this role may use it. Reads and writes go on meanwhile."""
    if database.engine.dialect.name != "postgresql":
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        is_there = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"
        if connection.scalar(text(is_there)):
            _make(connection)


def finds_parts(session: Session) -> bool:
    """Whether a search finds any part of an address or name; otherwise only the beginning of an address."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(text(_IS_VALID)))


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
