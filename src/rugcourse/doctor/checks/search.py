"""Checks whether the list of subscribers can be searched by any part of an address or name."""

from __future__ import annotations

from collections.abc import Iterator

from rugcourse.db.engine import Database, DatabaseAway, DatabaseError
from rugcourse.db.migrate import is_current
from rugcourse.db.search_index import finds_parts
from rugcourse.doctor.report import Finding, _, ok, warning


def check_subscriber_search(database: Database) -> Iterator[Finding]:
    """Yields nothing if the database can't be read: another check reports that."""
    try:
        if not is_current(database):
            return
        with database.read() as session:
            is_there = finds_parts(session)
    except (DatabaseAway, DatabaseError):
        return
    if is_there:
        yield ok("search", _("Subscribers are found by any part of their address or name."))
    elif database.dialect == "postgresql":
        yield warning(
            "search",
            _("Subscribers are found by the beginning of their address only: the database has no index of trigrams."),
            _(
                "Install the extension pg_trgm (Debian: the package postgresql), let the owner of the database run "
                "CREATE EXTENSION pg_trgm in it, and then run `rugcourse db upgrade`."
            ),
        )
    else:
        yield warning(
            "search",
            _("Subscribers are found by the beginning of their address only: this SQLite has no index of trigrams."),
            _("Use a Python whose SQLite is 3.34 or newer and has FTS5, and then run `rugcourse db upgrade`."),
        )
