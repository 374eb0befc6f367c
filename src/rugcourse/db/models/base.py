"""What all tables have in common: types, names of constraints, generated values."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    Integer,
    MetaData,
    text,
)
from sqlalchemy.orm import DeclarativeBase

from rugcourse.db.types import UtcDateTime

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite generates ids only for INTEGER


# A JSON object, as pydantic or a form makes it. Whoever reads it validates it.
JsonObject = dict[str, object]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcDateTime(),
        date: Date(),
        JsonObject: JSON(),
        dict[str, str]: JSON(),
        dict[str, int]: JSON(),
        list[int]: JSON(),
    }


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def check(name: str, condition: str) -> CheckConstraint:
    """A rule that the database keeps. `name` says what is checked; the table's name is put before it."""
    return CheckConstraint(condition, name=name)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """The rule that a column has one of the values of an enum. A new value needs a migration before the code."""
    words = ", ".join(f"'{one}'" for one in values)
    return check(column, f"{column} IN ({words})")


def new_stamp() -> int:
    """Return a security stamp: 35 random bits, five bytes in a token; never 0."""
    return 1 + secrets.randbelow(2**35 - 1)


def use_ids_once(metadata: MetaData) -> None:
    """Prevent SQLite from reusing the ids of deleted rows: an old signed link would open another person's page."""
    for table in metadata.tables.values():
        if [column.name for column in table.primary_key] == ["id"] and table.autoincrement_column is not None:
            table.dialect_options["sqlite"]["autoincrement"] = True
