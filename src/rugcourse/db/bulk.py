"""SQL dialect differences, and bulk writes in one statement.

Statements needed for every lesson are built once per process and dialect, and executed with parameters: building them
costs as much as running them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    Table,
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

from rugcourse.db.models import Base

Insert = postgresql.Insert | sqlite.Insert  # both have `on_conflict_do_nothing` and `on_conflict_do_update`
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


def run(session: Session, statement: Executable, parameters: Mapping[str, object]) -> Any:
    """Execute a statement that was built once, bypassing the ORM, which would process it again each time.

    Returns SQLAlchemy's result.
    """
    return session.connection().execute(statement, parameters)


def run_many(session: Session, statement: Executable, rows: Sequence[Mapping[str, object]]) -> Any:
    """Execute a statement as `run` does, for many rows of values."""
    return session.connection().execute(statement, rows)


def insert_into(table: type[Base], dialect: str) -> Insert:
    """Return an INSERT that bypasses the ORM, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    plain = cast("Table", table.__table__)
    return postgresql.insert(plain) if dialect == _POSTGRESQL else sqlite.insert(plain)


def upsert(session: Session, table: type[Base]) -> Insert:
    """Return such an INSERT as a statement of the ORM, for one row at a time."""
    return postgresql.insert(table) if dialect_of(session) == _POSTGRESQL else sqlite.insert(table)


def is_among(attribute: InstrumentedAttribute[object], dialect: str) -> ColumnElement[bool]:
    """SQL: `attribute` is one of the parameter `ids`."""
    ids = bindparam("ids", type_=_IdList())
    if dialect == _POSTGRESQL:
        return attribute == any_(sql_cast(ids, ARRAY(BigInteger)))
    return attribute.in_(select(func.json_each(ids).table_valued("value").c.value))


def update_rows(
    table: type[Base], names: Sequence[str], dialect: str, *conditions: ColumnElement[bool], **same: object
) -> Update:
    """Return an UPDATE of many rows by id, each with its own values for the columns `names`.

    Execute it with the parameter `rows`, see `as_rows`. `same`: values that are set in all rows. It returns the ids
    of existing rows that matched the `conditions`.
    """
    plain = cast("Table", table.__table__)
    new = rows_of(table, names, dialect)
    values = {name: new.values[name] for name in names}
    written: Update = update(plain).where(new.about(plain.c.id), *conditions).values(**values, **same)
    return written.returning(plain.c.id)


def insert_from(table: type[Base], values: Mapping[str, Any], condition: ColumnElement[bool], dialect: str) -> Insert:
    """Return an INSERT from a SELECT: column → expression. ON CONFLICT can be added; SQLite needs a WHERE for that."""
    return insert_into(table, dialect).from_select(list(values), select(*values.values()).where(condition))


@dataclass(frozen=True, slots=True)
class Rows:
    """SQL: the parameter `rows` as a table. `values`: its columns; `about(column)`: the row is about that id."""

    values: Mapping[str, ColumnElement[object]]
    about: Callable[[ColumnElement[int]], ColumnElement[bool]]


def rows_of(table: type[Base], names: Sequence[str], dialect: str) -> Rows:
    """SQL: the parameter `rows` as a table with the columns `names`, which are typed as those of `table`."""
    columns = [table.__table__.c[name] for name in names]
    parameter = bindparam("rows", type_=String())
    if dialect == _POSTGRESQL:
        typed = (column(one.name, one.type) for one in columns)
        records = func.json_to_recordset(sql_cast(parameter, postgresql.JSON)).table_valued(
            column("ids", ARRAY(BigInteger)), *typed, name="new"
        )
        new: FromClause = records.render_derived(with_types=True)
        return Rows({name: new.c[name] for name in names}, lambda column: column == any_(new.c.ids))
    each = func.json_each(parameter).table_valued("value", name="each")
    one_id = func.json_each(each.c.value, "$.ids").table_valued("value", name="one_id")
    values = [func.json_extract(each.c.value, f"$.{one.name}", type_=one.type).label(one.name) for one in columns]
    new = select(one_id.c.value.label("id"), *values).select_from(each.join(one_id, true())).subquery("new")
    return Rows({name: new.c[name] for name in names}, lambda column: column == new.c.id)


def as_rows(session: Session, table: type[Base], rows: Iterable[tuple[Sequence[int], Mapping[str, object]]]) -> str:
    """Return the parameter of `update_rows` and `rows_of`: groups of ids, and the values of each group.

    It is JSON, with values as the database stores them. Values that many rows share are written once.
    """
    processors = _processors(table, session.get_bind().dialect)
    return json.dumps(
        [
            {
                "ids": ids,
                **{name: processors[name](value) if name in processors else value for name, value in values.items()},
            }
            for ids, values in rows
        ],
        default=str,
    )


def count(result: Result[object]) -> int:
    """Return how many rows a statement wrote."""
    return cast("CursorResult[object]", result).rowcount


@cache
def _processors(table: type[Base], dialect: Dialect) -> dict[str, Callable[[object], object]]:
    """Return column → the conversion that its values need for SQLite. PostgreSQL needs none."""
    if dialect.name == _POSTGRESQL:
        return {}
    found = {one.name: one.type.dialect_impl(dialect).bind_processor(dialect) for one in table.__table__.columns}
    return {name: processor for name, processor in found.items() if processor is not None}
