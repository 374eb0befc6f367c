"""The search for subscribers on SQLite: any part, in order, by the index, and nothing left of who is gone.

tests/db/test_search_index.py has it on a PostgreSQL with pg_trgm.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text, update
from tests.support.builders import make_reader
from tests.support.privacy import subscriber_id
from tests.support.query_plans import explained, recorded

from rugcourse.bootstrap import Runtime
from rugcourse.db import search_index
from rugcourse.db.audience import SubscriberFilter, SubscriberOrder
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import SubscriberRow
from rugcourse.db.queries import subscriber_search
from rugcourse.db.search_index import finds_parts
from rugcourse.privacy.erase import erase

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def found(runtime: Runtime, wanted: str, after_id: int = 0, **order: bool) -> list[str]:
    with runtime.database.read() as session:
        people = subscriber_search.search(session, SubscriberFilter(wanted), after_id, 50, SubscriberOrder(**order))
        return [one.email for one in people]


def trigrams(runtime: Runtime) -> set[str]:
    """All that the index knows."""
    with runtime.database.write() as session:
        session.execute(text("CREATE VIRTUAL TABLE temp.known USING fts5vocab(main, subscriber_search, row)"))
        known = {*session.scalars(text("SELECT term FROM temp.known"))}
        session.execute(text("DROP TABLE temp.known"))
    return known


def rename(runtime: Runtime, email: str, name: str) -> None:
    with runtime.database.write() as session:
        session.execute(update(SubscriberRow).where(SubscriberRow.email == email).values(name=name))


def test_any_part_of_three_letters_is_found_and_less_only_at_the_beginning(runtime: Runtime) -> None:
    for email in ("anna.vos@x.example", "ben@vossen.example", "vosje@y.example"):
        make_reader(runtime, email)
    assert found(runtime, "vos") == ["anna.vos@x.example", "ben@vossen.example", "vosje@y.example"]
    assert found(runtime, "vo") == ["vosje@y.example"]
    assert found(runtime, "s@x.exa") == ["anna.vos@x.example"]
    assert found(runtime, "vosvos") == []  # all of its trigrams are there, not in this order


@pytest.mark.parametrize(
    "wanted", ["%%%", "___", "a_b", "***", '"""', "a%b", "vos OR", "sam NOT", "(((", "-vos", "\\\\\\"]
)
def test_wildcards_and_words_of_the_index_are_plain_characters(runtime: Runtime, wanted: str) -> None:
    make_reader(runtime, "axb@vos.example")
    make_reader(runtime, "sam@vos.example")
    assert found(runtime, wanted) == []
    rename(runtime, "sam@vos.example", f"Sam {wanted} Vos")
    assert found(runtime, wanted.lower()) == ["sam@vos.example"]


def test_pages_follow_each_other_in_each_order(runtime: Runtime) -> None:
    for email in ("m@vos.example", "a@vos.example", "z@vos.example"):
        make_reader(runtime, email)
    first, last = subscriber_id(runtime, "m@vos.example"), subscriber_id(runtime, "z@vos.example")
    assert found(runtime, "vos", first) == ["a@vos.example", "z@vos.example"]
    assert found(runtime, "vos", last, backwards=True) == ["a@vos.example", "m@vos.example"]
    assert found(runtime, "", first, by_address=True) == ["z@vos.example"]
    assert found(runtime, "", first, by_address=True, backwards=True) == ["a@vos.example"]
    assert found(runtime, "vos", 0, by_address=True) == ["a@vos.example", "m@vos.example", "z@vos.example"]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_search_reads_the_index_in_the_order_of_the_page(runtime: Runtime, backwards: bool) -> None:
    with recorded(runtime.database) as seen:
        found(runtime, "vos.example", 7, backwards=backwards)
    [(statement, parameters)] = [one for one in seen.seen.items() if "ORDER BY" in one[0]]
    with runtime.database.engine.connect() as connection:
        plan = explained(connection, statement, parameters)
    assert "SCAN subscriber_search VIRTUAL TABLE INDEX" in plan
    assert "SEARCH subscriber USING INTEGER PRIMARY KEY" in plan
    assert "TEMP B-TREE" not in plan


def test_the_order_of_addresses_is_read_from_an_index(runtime: Runtime) -> None:
    with recorded(runtime.database) as seen:
        found(runtime, "", 7, by_address=True)
    [(statement, parameters)] = [one for one in seen.seen.items() if "ORDER BY" in one[0]]
    with runtime.database.engine.connect() as connection:
        plan = explained(connection, statement, parameters)
    assert "(email>?)" in plan
    assert "TEMP B-TREE" not in plan


def test_the_beginning_of_an_address_is_read_from_an_index(runtime: Runtime) -> None:
    with recorded(runtime.database) as seen:
        found(runtime, "vo", 7)
    [(statement, parameters)] = [one for one in seen.seen.items() if "ORDER BY" in one[0]]
    with runtime.database.engine.connect() as connection:
        assert "(email>? AND email<?)" in explained(connection, statement, parameters)


def test_a_changed_name_or_address_is_found_and_the_old_one_is_not(runtime: Runtime) -> None:
    email = make_reader(runtime, "sam@x.example")
    rename(runtime, email, "Quirijn")
    assert found(runtime, "quirijn") == [email]
    rename(runtime, email, "Zoë")
    assert found(runtime, "quirijn") == []
    assert found(runtime, "zoë") == [email]


def test_no_letters_of_an_erased_person_stay_in_the_index(runtime: Runtime) -> None:
    make_reader(runtime, "stays@x.example")
    email = make_reader(runtime, "qqzzj@x.example")
    rename(runtime, email, "Wxyzzy")
    assert {"qqz", "zzj", "wxy", "sta"} <= trigrams(runtime)
    runtime.database.run(erase, runtime.clock.now(), runtime.signer, subscriber_id(runtime, email))
    left = trigrams(runtime)
    assert left & {"qqz", "zzj", "wxy"} == set()
    assert "sta" in left


def test_an_sqlite_without_trigrams_finds_the_beginning_and_can_still_add_people(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "_has_trigrams", lambda: False)
    with runtime.database.write() as session:
        session.execute(text("DROP TABLE subscriber_search"))
    upgrade(runtime.database)
    email = make_reader(runtime, "sam.vos@x.example")
    assert found(runtime, "sam.") == [email]
    assert found(runtime, "vos@") == []
    monkeypatch.undo()
    upgrade(runtime.database)  # another SQLite came later
    assert found(runtime, "vos@") == [email]
    with runtime.database.read() as session:
        assert finds_parts(session)
