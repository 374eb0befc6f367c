"""Whether the list of subscribers finds parts of names, and how that is mended."""

from __future__ import annotations

from sqlalchemy import text

from rugcourse.db.engine import Database
from rugcourse.doctor.checks.search import check_subscriber_search
from rugcourse.doctor.report import State


def test_a_database_without_the_index_is_reported_with_what_to_install(database: Database) -> None:
    if database.dialect == "sqlite":
        [found] = check_subscriber_search(database)
        assert found.state is State.OK
        with database.write() as session:
            session.execute(text("DROP TABLE subscriber_search"))
    [found] = check_subscriber_search(database)  # the tests' PostgreSQL has no pg_trgm
    assert found.state is State.WARNING
    assert ("pg_trgm" if database.dialect == "postgresql" else "FTS5") in found.fix
    assert "rugcourse db upgrade" in found.fix
