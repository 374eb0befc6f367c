"""Migrations: they make the tables of the code, once, and lose nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from tests.support.builders import make_reader

from rugcourse.bootstrap import Runtime
from rugcourse.db import migrate
from rugcourse.db.engine import Database
from rugcourse.db.migrate import is_current, upgrade
from rugcourse.db.models import Base, SubscriberRow
from rugcourse.privacy.erase import erase


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    assert is_current(database)
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    assert is_current(database)


def test_drafts_that_were_there_keep_a_place_that_somebody_chose_as_behind_a_lesson(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0014")
        connection.commit()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO course VALUES (1, 'c', 'x', '{}', '2026-01-01 00:00:00', '{}')")
        for number, slug in enumerate(("one", "two", "three"), 1):
            connection.exec_driver_sql(
                "INSERT INTO lesson (course_id, slug, position, current_version_id, read_count) VALUES (1, ?, ?, ?, 0)",
                (slug, number, number + 10),
            )
        for slug, place in (("two", 2), ("three", 1), ("one", 3), ("new", 2)):
            connection.exec_driver_sql(
                "INSERT INTO lesson_draft VALUES (1, ?, ?, 1, NULL, '2026-01-01')",
                (slug, json.dumps({"place": str(place)})),
            )
    upgrade(database)
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT slug, fields, began_from FROM lesson_draft").all()
    database.close()
    found = {slug: (json.loads(fields), began_from) for slug, fields, began_from in rows}
    assert found == {
        "two": ({}, 12),
        "three": ({"behind": ""}, 13),
        "one": ({"behind": "three"}, 11),
        "new": ({"behind": "one"}, 0),
    }


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


def test_sqlite_keeps_rows_indexes_and_counters_when_its_tables_are_made_anew(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(database, to="0014")
    with database.write() as session:
        session.execute(text("INSERT INTO course VALUES (7, 'a', 'h', '{}', '2026-01-01 00:00:00', '{}')"))
        session.execute(
            text(
                "INSERT INTO subscriber (id, email, domain, name, language, status, measuring, created_at) "
                "VALUES (5, 'a@example.org', 'example.org', '', 'nl', 'active', 0, '2026-01-01 00:00:00')"
            )
        )
        before = set(session.execute(text("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL")).all())
    upgrade(database)
    with database.write() as session:
        after = set(session.execute(text("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL")).all())
        assert before <= after
        assert session.execute(text("SELECT email FROM subscriber WHERE id = 5")).scalar() == "a@example.org"
        session.execute(text("DELETE FROM subscriber"))
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
    with database.read() as session:
        assert session.execute(text("SELECT sum(n) FROM tally_change WHERE what = 'subscriber active'")).scalar() == 0
        assert session.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'subscriber'")).scalar() > 1_000_000
    database.close()
