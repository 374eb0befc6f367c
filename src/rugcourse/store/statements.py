"""Statements that the two databases spell differently, or that one of them needs in another form to be quick."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CursorResult,
    FromClause,
    Result,
    String,
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


def upsert(session: Session, table: type[Base]) -> Any:
    """An INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if _is_postgresql(session) else sqlite.insert(table)


def among(session: Session, attribute: InstrumentedAttribute[Any], ids: Sequence[int]) -> ColumnElement[bool]:
    """SQL: `attribute` is one of `ids`, given as one parameter however many there are."""
    if _is_postgresql(session):
        return attribute == any_(sql_cast(bindparam(None, list(ids)), ARRAY(BigInteger)))
    return attribute.in_(ids)


def update_each(
    session: Session,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *conditions: ColumnElement[bool],
    **same: Any,
) -> list[int]:
    """Write to many rows in one statement, each with its own values: an `id` and the columns to set, the same in all.

    `same`: what is set in all of them alike. Returns the ids that were there and met the `conditions`.
    """
    if not rows:
        return []
    plain: Any = table.__table__
    new, parameters = _as_table(session, table, rows)
    values = {name: new.c[name] for name in rows[0] if name != "id"}
    statement = update(plain).where(plain.c.id == new.c.id, *conditions).values(**values, **same)
    return list(session.scalars(statement.returning(plain.c.id), parameters))


def upsert_each(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """An upsert of many rows, each with the same columns, as one statement, and the parameters to execute it with."""
    plain: Any = table.__table__
    new, parameters = _as_table(session, table, rows)
    insert = postgresql.insert if _is_postgresql(session) else sqlite.insert
    # SQLite needs the WHERE to tell this ON CONFLICT from a join's ON.
    return insert(plain).from_select(list(rows[0]), select(new).where(true())), parameters


def count(result: Result[Any]) -> int:
    """How many rows a statement wrote to."""
    return cast("CursorResult[Any]", result).rowcount


def _as_table(
    session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]
) -> tuple[FromClause, dict[str, Any]]:
    """`rows` as something to select from, in a statement that is the same however many there are."""
    columns = [table.__table__.c[name] for name in rows[0]]
    if _is_postgresql(session):
        arrays = [sql_cast(bindparam(f"all_{one.name}"), ARRAY(one.type)) for one in columns]
        typed = (column(one.name, one.type) for one in columns)
        new: FromClause = func.unnest(*arrays).table_valued(*typed, name="new").render_derived()
        return new, {f"all_{one.name}": [row[one.name] for row in rows] for one in columns}
    each = func.json_each(bindparam("all_rows", type_=String)).table_valued("value", name="each")
    places = [
        func.json_extract(each.c.value, f"$[{place}]", type_=one.type).label(one.name)
        for place, one in enumerate(columns)
    ]
    return select(*places).subquery("new"), {"all_rows": _as_json(session, columns, rows)}


def _as_json(session: Session, columns: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as arrays, with each value as SQLite stores it."""
    dialect = session.get_bind().dialect
    processors = [one.type.dialect_impl(dialect).bind_processor(dialect) or _unchanged for one in columns]
    return json.dumps(
        [[process(row[one.name]) for one, process in zip(columns, processors, strict=True)] for row in rows]
    )


def _unchanged(value: Any) -> Any:
    return value


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
