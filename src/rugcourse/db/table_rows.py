"""Reads and writes whole tables as plain values, the same on SQLite and PostgreSQL: what a backup is made of.

A row is a list of plain values in the order of the table's columns. Instants are text in UTC
(`2026-11-28 08:00:00.000000`), days are text, JSON is the text that the column holds, and bytes are base64: so a row of
one database is exactly a row of the other.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from sqlalchemy import JSON, Boolean, Date, Float, Integer, LargeBinary, Table, text
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from rugcourse.db.bulk import dialect_of
from rugcourse.db.models import Base
from rugcourse.db.types import UtcDateTime
from rugcourse.errors import InvalidInput

if TYPE_CHECKING:
    from psycopg import Connection as PostgresConnection

PROCESS_STATE = frozenset({"admin_challenge", "admin_session", "heartbeat"})
"""Tables about what runs or who is logged in now: no backup has them."""

_ROWS_AT_ONCE, _LARGE_ROWS_AT_ONCE = 2000, 20  # of tables whose rows are pictures and books
_SQLITE = "sqlite"
_COUNTER_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'counter\\_%' ESCAPE '\\'"

Value = str | int | float | bool | None
Row = Sequence[Value]


class BadRow(InvalidInput):
    """A row has other columns than its table, or a value that the column can't hold."""


class ValueKind(StrEnum):
    """What a column holds, whatever database it is in."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DAY = "day"
    JSON = "json"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class TableLayout:
    """A table and what its columns hold, in order. `counts_ids`: its ids are given by the database."""

    name: str
    columns: tuple[tuple[str, ValueKind], ...]
    counts_ids: bool

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]

    @property
    def rows_at_once(self) -> int:
        is_large = any(kind == ValueKind.BYTES for _, kind in self.columns)
        return _LARGE_ROWS_AT_ONCE if is_large else _ROWS_AT_ONCE


def layouts() -> list[TableLayout]:
    """Return all tables that a backup has, each after those that it refers to."""
    return [_layout(table) for table in Base.metadata.sorted_tables if table.name not in PROCESS_STATE]


def begin_snapshot(session: Session) -> None:
    """Let all reads of a transaction that begins see the same moment, while others write.

    On SQLite every transaction does so from its first read on (WAL).
    """
    if dialect_of(session) != _SQLITE:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session.execute(text("SELECT count(*) FROM key_value"))


def count_rows(session: Session, table: TableLayout) -> int:
    return int(session.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar_one())  # noqa: S608 - our own name


def read_rows(session: Session, table: TableLayout) -> Iterator[list[list[Value]]]:
    """Yield all rows of a table in batches, in the order of the primary key."""
    dialect = dialect_of(session)
    columns = ", ".join(_read_expression(name, kind, dialect) for name, kind in table.columns)
    keys = ", ".join(f'"{column.name}"' for column in Base.metadata.tables[table.name].primary_key)
    connection = session.connection().execution_options(yield_per=table.rows_at_once)
    result = connection.execute(text(f'SELECT {columns} FROM "{table.name}" ORDER BY {keys}'))  # noqa: S608 - our names
    conversions = [(place, _READ[kind]) for place, (_, kind) in enumerate(table.columns) if kind in _READ]
    for batch in result.partitions():
        rows = [list(row) for row in batch]
        for place, convert in conversions:
            for row in rows:
                if row[place] is not None:
                    row[place] = convert(row[place])
        yield rows


def last_id(session: Session, table: TableLayout) -> int | None:
    """Return the last id that was given in a table, also of rows that are gone: no id is given twice."""
    if not table.counts_ids:
        return None
    if dialect_of(session) == _SQLITE:
        query = "SELECT seq FROM sqlite_sequence WHERE name = :name"
    else:
        query = "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:name, 'id') AS regclass))"
    found = session.execute(text(query), {"name": table.name}).scalar()
    return None if found is None else int(found)


def set_last_id(session: Session, table: TableLayout, value: int) -> None:
    """Continue with the ids of a table after `value`, or after one that was given here already if that is higher."""
    highest = max(value, last_id(session, table) or 0)
    if dialect_of(session) == _SQLITE:
        session.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        query = "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :value)"
    else:
        query = "SELECT setval(CAST(pg_get_serial_sequence(:name, 'id') AS regclass), :value)"
    session.execute(text(query), {"name": table.name, "value": highest})


def delete_all_rows(session: Session) -> None:
    """Empty all tables, also those that no backup has."""
    names = [table.name for table in reversed(Base.metadata.sorted_tables)]
    if dialect_of(session) != _SQLITE:
        quoted = ", ".join(f'"{name}"' for name in names)
        session.execute(text(f"TRUNCATE {quoted}"))
        return
    for name in names:
        session.execute(text(f'DELETE FROM "{name}"'))  # noqa: S608 - our own name


@contextmanager
def without_counting(session: Session) -> Iterator[None]:
    """Let no trigger count the rows that the block writes: their counters are among them.

    Raises sqlalchemy.exc.ProgrammingError on PostgreSQL for who does not own the tables.
    """
    if dialect_of(session) == _SQLITE:
        triggers = session.execute(text(_COUNTER_TRIGGERS)).all()
        for name, _ in triggers:
            session.execute(text(f'DROP TRIGGER "{name}"'))
        yield
        connection = session.connection()
        for _, statement in triggers:
            connection.exec_driver_sql(statement)
        return
    names = [table.name for table in Base.metadata.sorted_tables]
    for name in names:
        session.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER USER'))
    yield
    for name in names:
        session.execute(text(f'ALTER TABLE "{name}" ENABLE TRIGGER USER'))


def write_rows(session: Session, table: TableLayout, rows: Iterable[Row]) -> int:
    """Insert rows as `read_rows` yields them; returns how many. Raises BadRow."""
    checked = _checked_rows(table, rows, is_sqlite=dialect_of(session) == _SQLITE)
    if dialect_of(session) == _SQLITE:
        return _insert(session, table, checked)
    return _copy(session, table, checked)


def _layout(table: Table) -> TableLayout:
    columns = tuple((column.name, _kind(column.type)) for column in table.columns)
    counts_ids = table.autoincrement_column is not None and table.autoincrement_column.name == "id"
    return TableLayout(table.name, columns, counts_ids)


def _kind(held: TypeEngine[object]) -> ValueKind:
    kinds: tuple[tuple[type, ValueKind], ...] = (
        (Boolean, ValueKind.BOOLEAN),
        (Integer, ValueKind.INTEGER),
        (Float, ValueKind.REAL),
        (UtcDateTime, ValueKind.INSTANT),
        (Date, ValueKind.DAY),
        (JSON, ValueKind.JSON),
        (LargeBinary, ValueKind.BYTES),
    )
    return next((kind for type_, kind in kinds if isinstance(held, type_)), ValueKind.TEXT)


def _read_expression(name: str, kind: ValueKind, dialect: str) -> str:
    quoted = f'"{name}"'
    if dialect == _SQLITE:
        return quoted
    match kind:
        case ValueKind.INSTANT:
            return f"to_char({quoted} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24\\:MI\\:SS.US')"
        case ValueKind.DAY | ValueKind.JSON:
            return f"CAST({quoted} AS text)"
        case _:
            return quoted


def _base64(value: object) -> str:
    return base64.b64encode(cast("bytes", value)).decode("ascii")


_READ: dict[ValueKind, Callable[[object], Value]] = {ValueKind.BYTES: _base64, ValueKind.BOOLEAN: bool}


def _checked_rows(table: TableLayout, rows: Iterable[Row], *, is_sqlite: bool) -> Iterator[list[object]]:
    """Yield rows as the driver takes them. The types of most rows of a table are alike, and looked at once."""
    kinds = [kind for _, kind in table.columns]
    known: set[tuple[type, ...]] = set()
    conversions = [
        (place, _instant_for_postgresql if kind == ValueKind.INSTANT and not is_sqlite else _WRITE[kind])
        for place, kind in enumerate(kinds)
        if kind in _WRITE
    ]
    for number, row in enumerate(rows, 1):
        signature = tuple(map(type, row))
        if signature not in known:
            if len(row) != len(kinds) or not all(map(_is_of_kind, row, kinds)):
                raise BadRow(f"row {number} of {table.name} has other columns or types than the table")
            known.add(signature)
        values = list[object](row)
        try:
            for place, convert in conversions:
                if values[place] is not None:
                    values[place] = convert(str(values[place]))
        except (ValueError, RecursionError) as error:
            raise BadRow(f"row {number} of {table.name}: {table.names[place]} has no such value") from error
        yield values


def _is_of_kind(value: object, kind: ValueKind) -> bool:
    match kind:
        case _ if value is None:
            return True  # whether a column may be empty is a rule of the database
        case ValueKind.BOOLEAN:
            return isinstance(value, bool)
        case ValueKind.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case ValueKind.REAL:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return isinstance(value, str)


def _instant(value: str) -> object:
    if datetime.fromisoformat(value).tzinfo is not None:
        raise ValueError(value)
    return value


def _instant_for_postgresql(value: str) -> object:
    return f"{_instant(value)}+00"


def _day(value: str) -> object:
    date.fromisoformat(value)
    return value


def _json(value: str) -> object:
    json.loads(value)
    return value


def _bytes(value: str) -> object:
    return base64.b64decode(value, validate=True)


_WRITE: dict[ValueKind, Callable[[str], object]] = {
    ValueKind.INSTANT: _instant,
    ValueKind.DAY: _day,
    ValueKind.JSON: _json,
    ValueKind.BYTES: _bytes,
}


def _insert(session: Session, table: TableLayout, rows: Iterable[list[object]]) -> int:
    columns = ", ".join(f'"{name}"' for name in table.names)
    places = ", ".join("?" * len(table.columns))
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({places})'  # noqa: S608 - our own names
    connection, written, batch = session.connection(), 0, list[tuple[object, ...]]()
    for row in rows:
        batch.append(tuple(row))
        if len(batch) == table.rows_at_once:
            connection.exec_driver_sql(statement, batch)
            written, batch = written + len(batch), []
    if batch:
        connection.exec_driver_sql(statement, batch)
    return written + len(batch)


def _copy(session: Session, table: TableLayout, rows: Iterable[list[object]]) -> int:
    """Write with COPY, which takes a third of the time of INSERT."""
    columns = ", ".join(f'"{name}"' for name in table.names)
    driver = cast("PostgresConnection", session.connection().connection.driver_connection)
    written = 0
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
            written += 1
    return written
