"""Search by any part of an address or name, on a PostgreSQL with pg_trgm. SQLite: tests/db/queries/test_subscriber_search.py."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.support.packages import postgres_of_debian
from tests.support.query_plans import explained, recorded
from tests.support.servers import postgres_server, postgres_url

from rugcourse.db.audience import SubscriberFilter
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.queries import subscriber_search
from rugcourse.db.search_index import finds_parts

pytestmark = pytest.mark.needs("pg_trgm")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="rugcourse-") as folder,
        postgres_server(Path(folder), programs=postgres_of_debian()) as server,
    ):
        yield postgres_url(server)


@pytest.fixture
def trigrams(address: str) -> Iterator[Database]:
    database = Database(address)
    with database.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    yield database
    database.close()


def _found(database: Database, wanted: str) -> list[str]:
    with database.read() as session:
        return [one.email for one in subscriber_search.search(session, SubscriberFilter(wanted), 0, 50)]


def test_parts_of_address_and_name_are_found_by_the_index(trigrams: Database) -> None:
    upgrade(trigrams)
    with trigrams.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO subscriber (email, domain, name, language, status, tracking_consent, created_at) "
                "SELECT 'p' || n || '@x.example', 'x.example', 'Person ' || n, 'nl', 'active', false, now() "
                "FROM generate_series(0, 19999) n"
            )
        )
    with trigrams.engine.begin() as connection:
        connection.execute(text("ANALYZE subscriber"))
    assert _found(trigrams, "p1234@") == ["p1234@x.example"]
    assert _found(trigrams, "rson 777") == ["p777@x.example", *(f"p777{n}@x.example" for n in range(10))]
    assert _found(trigrams, "n 1234") == ["p1234@x.example", *(f"p1234{n}@x.example" for n in range(10))]
    assert _found(trigrams, "34") == []  # two letters: only the beginning of an address
    assert _found(trigrams, "%%%") == []
    with recorded(trigrams) as seen:
        _found(trigrams, "1234")
    [(statement, parameters)] = [one for one in seen.seen.items() if "ORDER BY" in one[0]]
    with trigrams.engine.connect() as connection:
        assert "ix_subscriber_search" in explained(connection, statement, parameters)


def test_the_index_is_made_when_the_extension_comes_later_and_once(trigrams: Database) -> None:
    upgrade(trigrams)
    with trigrams.engine.begin() as connection:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
    with trigrams.read() as session:
        assert not finds_parts(session)
    for _ in range(2):
        upgrade(trigrams)
        with trigrams.read() as session:
            assert finds_parts(session)


def test_a_role_that_may_not_add_an_extension_upgrades_all_the_same(trigrams: Database) -> None:
    with trigrams.engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS plain"))
        connection.execute(text("CREATE ROLE plain LOGIN"))
        connection.execute(text("GRANT USAGE, CREATE ON SCHEMA public TO plain"))
        connection.execute(text("REVOKE CREATE ON DATABASE postgres FROM plain, public"))
    limited = Database(trigrams.engine.url.set(username="plain").render_as_string(hide_password=False))
    upgrade(limited)
    with limited.read() as session:
        assert not finds_parts(session)
    limited.close()
    with trigrams.engine.begin() as connection:
        connection.execute(text("DROP OWNED BY plain"))
        connection.execute(text("DROP ROLE plain"))
