"""What the two databases spell differently, and how many rows go into one statement.

Statements on the way of every lesson are built once per process, for a dialect, and executed with parameters: building
them costs as much as running them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CursorResult,
    Dialect,
    Executable,
    FromClause,
    Result,
    String,
    TypeDecorator,
    Update,
    any_,
    bindparam,
    column,
    func,
    select,
    true,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from rugcourse.store.tables import Base

_POSTGRESQL = "postgresql"


class _IdList(TypeDecorator[Collection[int]]):
    """Many ids as one parameter."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Collection[int] | None, dialect: Dialect) -> str:
        ids = ",".join(map(str, value or ()))
        return f"{{{ids}}}" if dialect.name == _POSTGRESQL else f"[{ids}]"


def dialect_of(session: Session) -> str:
    return session.get_bind().dialect.name


def run(session: Session, statement: Executable, parameters: Mapping[str, Any]) -> Any:
    """Execute a statement that is built once, past the ORM, which would look at all of it anew each time.

    Returns SQLAlchemy's result.
    """
    return session.connection().execute(statement, parameters)


def upsert(session: Session, table: type[Base]) -> Any:
    """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if dialect_of(session) == _POSTGRESQL else sqlite.insert(table)


def is_among(attribute: InstrumentedAttribute[Any], dialect: str) -> ColumnElement[bool]:
    """SQL: `attribute` is one of the parameter `ids`."""
    ids = bindparam("ids", type_=_IdList())
    if dialect == _POSTGRESQL:
        return attribute == any_(sql_cast(ids, ARRAY(BigInteger)))
    return attribute.in_(select(func.json_each(ids).table_valued("value").c.value))


def update_rows(
    table: type[Base], names: Sequence[str], dialect: str, *conditions: ColumnElement[bool], **same: Any
) -> Update:
    """An UPDATE of many rows, each with its own values: `names` of columns, of which `id` says which row.

    Executed with the parameter `rows`, see `as_rows`. `same`: what is set in all of them alike. Returns the ids that
    were there and met the `conditions`.
    """
    plain: Any = table.__table__
    new = _rows(table, names, dialect)
    values = {name: new.c[name] for name in names if name != "id"}
    written: Update = update(plain).where(plain.c.id == new.c.id, *conditions).values(**values, **same)
    return written.returning(plain.c.id)


def insert_rows(table: type[Base], names: Sequence[str], dialect: str) -> Any:
    """An INSERT of many rows, with ON CONFLICT to be added. Executed with the parameter `rows`, see `as_rows`."""
    plain: Any = table.__table__
    insert = postgresql.insert if dialect == _POSTGRESQL else sqlite.insert
    # SQLite needs the WHERE to tell this ON CONFLICT from a join's ON.
    return insert(plain).from_select(list(names), select(_rows(table, names, dialect)).where(true()))


def as_rows(session: Session, table: type[Base], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as the parameter of `update_rows` and `insert_rows`: their values as the database stores them, in JSON."""
    processors = _processors(table, session.get_bind().dialect)
    return json.dumps(
        [
            {name: processors[name](value) if name in processors else value for name, value in row.items()}
            for row in rows
        ],
        default=str,
    )


def count(result: Result[Any]) -> int:
    """How many rows a statement wrote to."""
    return cast("CursorResult[Any]", result).rowcount


def _rows(table: type[Base], names: Sequence[str], dialect: str) -> FromClause:
    """SQL: the parameter `rows` as a table."""
    columns = [table.__table__.c[name] for name in names]
    rows = bindparam("rows", type_=String())
    if dialect == _POSTGRESQL:
        typed = (column(one.name, one.type) for one in columns)
        records = func.json_to_recordset(sql_cast(rows, postgresql.JSON)).table_valued(*typed, name="new")
        return records.render_derived(with_types=True)
    each = func.json_each(rows).table_valued("value", name="each")
    values = [func.json_extract(each.c.value, f"$.{one.name}", type_=one.type).label(one.name) for one in columns]
    return select(*values).subquery("new")


@cache
def _processors(table: type[Base], dialect: Dialect) -> dict[str, Any]:
    """Column → what its values need before SQLite can store them. PostgreSQL reads them as they are."""
    if dialect.name == _POSTGRESQL:
        return {}
    found = {one.name: one.type.dialect_impl(dialect).bind_processor(dialect) for one in table.__table__.columns}
    return {name: processor for name, processor in found.items() if processor is not None}
