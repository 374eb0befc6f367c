"""Exports subscribers as CSV or JSON. Cells can't run as formulas in a spreadsheet."""

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
from rugcourse.i18n import has_decimal_comma

COLUMNS = ("id", "email", "name", "status", "language", "measuring", "news", "signed_up", "confirmed", "left")
_A_PAGE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how formulas begin (OWASP: CSV injection)
_BOM = "\ufeff"  # by which spreadsheets recognise UTF-8


def as_csv(database: Database, wanted: SubscriberFilter, language: str) -> Iterator[str]:
    """Yield the export page by page, as CSV (RFC 4180) with the delimiter that spreadsheets expect in a language.

    Times are in UTC.
    """
    # Where numbers have a decimal comma, spreadsheets expect semicolons. A line `sep=;` is understood by Excel only,
    # which then ignores the byte order mark.
    delimiter = ";" if has_decimal_comma(language) else ","
    yield _BOM + _lines([dict(zip(COLUMNS, COLUMNS, strict=True))], delimiter)
    for page in _pages(database, wanted):
        yield _lines(page, delimiter)


def as_json(database: Database, wanted: SubscriberFilter) -> Iterator[str]:
    """Yield the export page by page, as a JSON array of objects. Times are in UTC."""
    between = "["
    for page in _pages(database, wanted):
        for one in page:
            yield between + json.dumps(one, ensure_ascii=False)
            between = ",\n"
    yield "]\n" if between != "[" else "[]\n"


def escape_formula(value: object) -> object:
    """Return a cell that spreadsheets show as text: an apostrophe is put before anything that looks like a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _pages(database: Database, wanted: SubscriberFilter) -> Iterator[list[dict[str, object]]]:
    """Yield pages of records. No transaction is open while the client reads."""
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
        person.tracking_consent,
        person.news_consent,
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
