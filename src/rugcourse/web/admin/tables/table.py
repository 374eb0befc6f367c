"""A list of an admin page as data: columns, rows, order, filters, and where the next page begins.

`templates/web/admin/table.html` shows it, `csv_of` writes it into a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup

from rugcourse.reports.csv_files import BOM, csv_lines, delimiter_in

Value = str | int | float | datetime | None
_BACKWARDS = "-"  # before the name of a column in an address: the largest first


class ColumnKind(StrEnum):
    """What the values of a column are, and so how they look."""

    TEXT = "text"
    NUMBER = "number"
    SHARE = "share"  # 0 to 1, shown in per cent
    TIME = "time"  # UTC, shown in the practice's time zone


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column. `key`: its name in addresses; `label`: a message id; `sorts`: whether the list can be in its order."""

    key: str
    label: str
    kind: ColumnKind = ColumnKind.TEXT
    sorts: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and how a page shows it: linked, with a quiet note behind it, as a status, or as other HTML.

    `status`: classes of the mark, None without one; `language`: of a text that somebody wrote.
    """

    value: Value
    href: str = ""
    note: str = ""
    status: str | None = None
    language: str = ""
    html: Markup | None = None


@dataclass(frozen=True, slots=True)
class TableOrder:
    """The order of a list: by a column, and whether the largest is first."""

    column: str
    backwards: bool = False

    def __str__(self) -> str:
        return f"{_BACKWARDS if self.backwards else ''}{self.column}"


@dataclass(frozen=True, slots=True)
class Table:
    """A page of a list. `name`: of its file; `title`: a message id.

    `filters`: what the next page, another order and the file keep; `after`: what the address of the next page adds,
    empty on the last one.
    """

    name: str
    title: str
    columns: Sequence[TableColumn]
    rows: Sequence[Sequence[Cell]]
    order: TableOrder
    filters: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """What a form sends to get this list as a file."""
        kept = {name: text for name, text in self.filters.items() if text}
        is_chosen = any(column.sorts and column.key == self.order.column for column in self.columns)
        return {**kept, "sort": str(self.order)} if is_chosen else kept

    def sorted_by(self, column: TableColumn) -> str:
        """Return `ascending` or `descending` for the column that gives the order, empty for others (ARIA's words)."""
        if column.key != self.order.column:
            return ""
        return "descending" if self.order.backwards else "ascending"

    def link_to_sort(self, column: TableColumn) -> str:
        """Return the address of the list in the order of a column; the other way round if that is its order now."""
        backwards = self.sorted_by(column) == "ascending"
        return "?" + urlencode({**self.fields, "sort": str(TableOrder(column.key, backwards))})

    @property
    def next_page(self) -> str:
        return "?" + urlencode({**self.fields, **self.after})


def order_from(fields: Mapping[str, str], columns: Sequence[TableColumn], usual: TableOrder) -> TableOrder:
    """Return the order that an address asks for, `usual` if it asks for none that there is."""
    wanted = fields.get("sort", "")
    key = wanted.removeprefix(_BACKWARDS)
    if any(column.sorts and column.key == key for column in columns):
        return TableOrder(key, wanted.startswith(_BACKWARDS))
    return usual


def arranged(rows: Sequence[Sequence[Cell]], columns: Sequence[TableColumn], order: TableOrder) -> list[Sequence[Cell]]:
    """Return all rows of a short list in an order. What has no value is last in either direction."""
    place = next((place for place, column in enumerate(columns) if column.key == order.column), None)
    if place is None:
        return [*rows]
    known = [row for row in rows if row[place].value is not None]
    unknown = [row for row in rows if row[place].value is None]
    return sorted(known, key=lambda row: _comparable(row[place].value), reverse=order.backwards) + unknown


def csv_of(
    first: Table,
    page_after: Callable[[Mapping[str, str]], Table],
    translate: Callable[[str], str],
    language: str,
    zone: ZoneInfo,
) -> Iterator[str]:
    """Yield a list page by page as CSV, beginning with the page `first`. Times are in `zone`.

    `page_after`: makes the page that begins where a page ended. No transaction is open between two pages.
    """
    delimiter = delimiter_in(language)
    yield BOM + csv_lines([[translate(column.label) for column in first.columns]], delimiter)
    page = first
    while True:
        yield csv_lines([[_plain(cell, zone) for cell in row] for row in page.rows], delimiter)
        if not page.after:
            return
        page = page_after(page.after)


def _plain(cell: Cell, zone: ZoneInfo) -> object:
    if isinstance(cell.value, datetime):
        return cell.value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell.value, float):
        return round(cell.value, 4)
    text = "" if cell.value is None else cell.value
    return f"{text} ({cell.note})" if cell.note else text


def _comparable(value: Value) -> tuple[float, str]:
    """Numbers and moments by size, texts without regard to case."""
    if isinstance(value, datetime):
        return value.timestamp(), ""
    return (0.0, value.casefold()) if isinstance(value, str) else (float(value or 0), "")
