"""CSV and JSON exports of subscribers. No cell can run as a formula in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime

from rugcourse.db.audience import SubscriberFilter
from rugcourse.db.engine import Database
from rugcourse.db.models import SubscriberRow
from rugcourse.db.queries import subscribers

COLUMNS = ("id", "email", "name", "status", "language", "measuring", "news", "signed_up", "confirmed", "left")
_A_PAGE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of one
# Where numbers have a comma, spreadsheets divide a line at semicolons. A line `sep=;` above it would be understood by
# one program alone, and make it forget that the file is UTF-8.
_DELIMITERS = {"nl": ";"}
_BOM = "\ufeff"  # by which spreadsheets know that it is UTF-8


def as_csv(database: Database, wanted: SubscriberFilter, language: str) -> Iterator[str]:
    """Those who are wanted, page by page (RFC 4180, but for the delimiter, which is that of the language). Times are
    UTC.
    """
    delimiter = _DELIMITERS.get(language, ",")
    yield _BOM + _lines([dict(zip(COLUMNS, COLUMNS, strict=True))], delimiter)
    for page in _pages(database, wanted):
        yield _lines(page, delimiter)


def as_json(database: Database, wanted: SubscriberFilter) -> Iterator[str]:
    """The same as a JSON array."""
    between = "["
    for page in _pages(database, wanted):
        for one in page:
            yield between + json.dumps(one, ensure_ascii=False)
            between = ",\n"
    yield "]\n" if between != "[" else "[]\n"


def escape_formula(value: object) -> object:
    """A cell that a spreadsheet shows as it is: text that looks like a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _pages(database: Database, wanted: SubscriberFilter) -> Iterator[list[dict[str, object]]]:
    """No transaction is open while whoever asked reads."""
    after = 0
    while True:
        with database.read() as session:
            page = subscribers.search(session, wanted, after, _A_PAGE)
        yield [_record(one) for one in page]
        if len(page) < _A_PAGE:
            return
        after = page[-1].id


def _record(person: SubscriberRow) -> dict[str, object]:
    values = (
        person.id,
        person.email,
        person.name,
        person.status,
        person.language,
        person.measuring,
        person.news,
        _when(person.created_at),
        _when(person.confirmed_at),
        _when(person.left_at),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _lines(records: list[dict[str, object]], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(
        [escape_formula(value) for value in record.values()] for record in records
    )
    return out.getvalue()


def _when(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S") if instant else ""
