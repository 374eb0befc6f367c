"""Exports subscribers as CSV or JSON. Cells can't run as formulas in a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from rugcourse.db.audience import BY_SIGN_UP, SubscriberFilter, SubscriberOrder
from rugcourse.db.engine import Database
from rugcourse.db.models import SubscriberRow
from rugcourse.db.queries import subscriber_search
from rugcourse.reports.csv_files import BOM, csv_lines, delimiter_in

COLUMNS = ("id", "email", "name", "status", "language", "measuring", "news", "signed_up", "confirmed", "left")
_A_PAGE = 1000


def as_csv(
    database: Database, wanted: SubscriberFilter, language: str, order: SubscriberOrder = BY_SIGN_UP
) -> Iterator[str]:
    """Yield the export page by page, as CSV (RFC 4180) with the delimiter that spreadsheets expect in a language.

    Times are in UTC.
    """
    delimiter = delimiter_in(language)
    yield BOM + csv_lines([COLUMNS], delimiter)
    for page in _pages(database, wanted, order):
        yield csv_lines([[*one.values()] for one in page], delimiter)


def as_json(database: Database, wanted: SubscriberFilter, order: SubscriberOrder = BY_SIGN_UP) -> Iterator[str]:
    """Yield the export page by page, as a JSON array of objects. Times are in UTC."""
    between = "["
    for page in _pages(database, wanted, order):
        for one in page:
            yield between + json.dumps(one, ensure_ascii=False)
            between = ",\n"
    yield "]\n" if between != "[" else "[]\n"


def _pages(database: Database, wanted: SubscriberFilter, order: SubscriberOrder) -> Iterator[list[dict[str, object]]]:
    """Yield pages of records. No transaction is open while the client reads."""
    after: int | str = 0
    while True:
        with database.read() as session:
            page = subscriber_search.search(session, wanted, after, _A_PAGE, order)
        yield [_record(one) for one in page]
        if len(page) < _A_PAGE:
            return
        after = page[-1].email if order.by_address else page[-1].id  # who may be gone by then


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


def _when(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S") if instant else ""
