"""The statements that a database gets, and how it carries them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, event

from rugcourse.db.engine import Database


@dataclass
class Statements:
    """What was sent to the database: statement → parameters of its first execution."""

    seen: dict[str, object] = field(default_factory=dict)

    def note(self, _connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
            first = parameters[0] if isinstance(parameters, list) else parameters
            self.seen.setdefault(statement, first)


@contextmanager
def recorded(database: Database) -> Iterator[Statements]:
    found = Statements()
    event.listen(database.engine, "before_cursor_execute", found.note)
    yield found
    event.remove(database.engine, "before_cursor_execute", found.note)


def explained(connection: Connection, statement: str, parameters: object) -> str:
    """How the database will find what a statement asks for."""
    if connection.dialect.name == "postgresql":
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
    return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
