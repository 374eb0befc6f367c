"""Migrations: they make the tables of the code, once, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select
from tests.support.builders import make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.db.counters import trigger_statements
from rugcourse.db.engine import Database, DatabaseError
from rugcourse.db.migrate import is_current, upgrade
from rugcourse.db.models import Base, SubscriberRow
from rugcourse.privacy.erase import erase


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    assert is_current(database)
    with database.engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"include_object": _is_on(connection.dialect.name)}),
            Base.metadata,
        )
    assert differences == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert is_current(database)


def test_a_schema_of_another_release_is_left_alone_with_a_clear_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0026')")
    assert not is_current(database)
    with pytest.raises(DatabaseError, match=r"does not know the schema .*0026"):
        upgrade(database)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all() == ["alembic_version"]
    database.close()


@pytest.mark.parametrize("table", ["subscriber", "delivery", "enrolment", "consent"])
def test_a_number_is_given_once(runtime: Runtime, table: str) -> None:
    """A link of somebody who was erased would open the page of the next person, who got the same number."""
    rows = Base.metadata.tables[table]
    email = make_reader(runtime)
    with runtime.database.read() as session:
        newest = session.scalar(select(func.max(rows.c.id))) or 0
        [person] = session.scalars(select(SubscriberRow.id).where(SubscriberRow.email == email))
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, person)
    make_reader(runtime, "next@example.org")
    with runtime.database.read() as session:
        left = session.scalars(select(rows.c.id)).all()
    assert left
    assert all(one > newest for one in left)


def test_the_first_schema_has_the_triggers_that_the_code_describes(database: Database) -> None:
    """A change of what is counted needs a migration with new triggers."""
    dialect = database.engine.dialect.name
    wanted = {words(one.partition("AS $$")[2] or one) for one in trigger_statements(dialect)}
    source = (
        "SELECT prosrc FROM pg_proc WHERE left(proname, 8) = 'counter_'"
        if dialect == "postgresql"
        else "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'counter%'"
    )
    with database.engine.connect() as connection:
        found = {words(one) for one in connection.exec_driver_sql(source).scalars()}
    assert found
    assert found <= wanted | {one.removesuffix(" $$") for one in wanted}
    assert len(found) == len(trigger_statements(dialect)) // (2 if dialect == "postgresql" else 1)


def _is_on(dialect: str) -> Callable[..., bool]:
    """Whether a migration makes an object on a database. BRIN indexes are PostgreSQL's; each upgrade makes SQLite's
    index of trigrams."""
    return lambda one, name, *_: (
        dialect == "postgresql"
        or (one.name != "ix_delivery_campaign" and not str(name).startswith("subscriber_search"))
    )


def words(statement: str) -> str:
    return " ".join(statement.split())
