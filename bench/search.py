"""The search for a subscriber by any part of an address or name, among a million, on both databases."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from tests.support.packages import postgres_of_debian
from tests.support.servers import postgres_server, postgres_url

from bench.site import tidy_up
from rugcourse.db.audience import SubscriberFilter
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import SubscriberRow, SubscriberStatus
from rugcourse.db.queries import subscriber_search
from rugcourse.db.search_index import finds_parts

SUBSCRIBERS = 1_000_000
SEARCHES = 400
TARGET_MS = 100
_BATCH = 20_000
_A_PAGE = 51
_FIRST = ("Anna", "Bram", "Cato", "Daan", "Elise", "Femke", "Gijs", "Hugo", "Iris", "Joost", "Özlem", "Zoë")
_SYLLABLES = ("ber", "dek", "gro", "hof", "jan", "kui", "lin", "mol", "nel", "pos", "rui", "ste", "vel", "wes", "zan")


def measure_search() -> dict[str, Any]:
    """Milliseconds of a page of results: median, 95th percentile and longest, of searches as people type them."""
    found: dict[str, Any] = {"subscribers": SUBSCRIBERS, "searches": SEARCHES, "target_ms": TARGET_MS}
    for dialect in ("postgresql", "sqlite"):
        if dialect == "sqlite" or postgres_of_debian() is not None:
            with _opened(dialect) as database:
                found[dialect] = _measure(database)
    return found


@contextmanager
def _opened(dialect: str) -> Iterator[Database]:
    """An empty database of this kind; PostgreSQL with pg_trgm, which only Debian's package has here."""
    with tempfile.TemporaryDirectory(prefix="rugcourse-bench-") as name:
        if dialect == "sqlite":
            database = Database(f"sqlite:///{name}/search.db")
            yield database
            database.close()
            return
        with postgres_server(Path(name), durable=True, programs=postgres_of_debian()) as server:
            database = Database(postgres_url(server))
            yield database
            database.close()


def _measure(database: Database) -> dict[str, Any]:
    upgrade(database)
    chosen = random.Random(7)
    names = _add_people(database, chosen)
    tidy_up(database)
    with database.read() as session:
        assert finds_parts(session)
    taken = sorted(_milliseconds(database, one) for one in _searches(chosen, names))
    return {
        "median_ms": round(taken[len(taken) // 2], 1),
        "p95_ms": round(taken[int(len(taken) * 0.95)], 1),
        "longest_ms": round(taken[-1], 1),
    }


def _add_people(database: Database, chosen: random.Random) -> list[str]:
    """Add the people; returns surnames of some of them."""
    names = []
    for begin in range(0, SUBSCRIBERS, _BATCH):
        rows = []
        for number in range(begin, begin + _BATCH):
            first, last = chosen.choice(_FIRST), "".join(chosen.choices(_SYLLABLES, k=3))
            domain = f"{chosen.choice(_SYLLABLES)}{number % 40}.example"
            email = f"{first[:1].lower()}.{last}{number}@{domain}"
            about = {"language": "nl", "status": SubscriberStatus.ACTIVE, "created_at": datetime.now(UTC)}
            rows.append({"email": email, "domain": domain, "name": f"{first} {last.title()}", **about})
        names.append(last)
        with database.write() as session:
            session.execute(insert(SubscriberRow), rows)
    return names


def _searches(chosen: random.Random, names: list[str]) -> list[str]:
    """As people type: surnames and parts of them, half an address, a domain, what all or none have, two letters."""
    typed = []
    for number in range(SEARCHES):
        name = chosen.choice(names)
        address = f"{name}{chosen.randrange(10)}"
        ways = (name, name[1:6], address, f"@{name[:3]}", ".example", f"q{name}q", name[:2], "özl", name[:3])
        typed.append(ways[number % len(ways)])
    return typed


def _milliseconds(database: Database, typed: str) -> float:
    begun = time.perf_counter()
    with database.read() as session:
        subscriber_search.search(session, SubscriberFilter(typed), 0, _A_PAGE)
    return 1000 * (time.perf_counter() - begun)
