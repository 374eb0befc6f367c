"""What a list is: its order, its pages and its file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from rugcourse.web.admin.tables.table import (
    Cell,
    ColumnKind,
    Table,
    TableColumn,
    TableOrder,
    arranged,
    csv_of,
    order_from,
)

COLUMNS = (
    TableColumn("name", "Name", sorts=True),
    TableColumn("number", "Number", ColumnKind.NUMBER, sorts=True),
    TableColumn("note", "Note"),
)
BY_NAME = TableOrder("name")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def table(*rows: tuple[object, ...], after: Mapping[str, str] | None = None, order: TableOrder = BY_NAME) -> Table:
    cells = [tuple(one if isinstance(one, Cell) else Cell(one) for one in row) for row in rows]  # type: ignore[arg-type]
    return Table("people", "People", COLUMNS, cells, order, {"q": "a&b", "empty": ""}, after or {})


def lines_of(first: Table, *others: Table, language: str = "en") -> list[str]:
    pages = iter(others)
    return "".join(csv_of(first, lambda _: next(pages), str.upper, language, AMSTERDAM)).splitlines()


@pytest.mark.parametrize("asked", ["", "note", "-note", "id", "--name", "name DESC", "Name", "\x00"])
def test_a_list_has_its_usual_order_unless_it_is_asked_for_one_it_has(asked: str) -> None:
    assert order_from({"sort": asked}, COLUMNS, TableOrder("id", True)) == TableOrder("id", True)
    assert order_from({"sort": "-number"}, COLUMNS, TableOrder("id")) == TableOrder("number", backwards=True)


def test_a_heading_turns_its_own_order_round_and_begins_with_the_smallest() -> None:
    one = table(order=TableOrder("name"))
    name, number, note = COLUMNS
    assert [one.sorted_by(column) for column in COLUMNS] == ["ascending", "", ""]
    assert one.link_to_sort(name) == "?q=a%26b&sort=-name"
    assert one.link_to_sort(number) == "?q=a%26b&sort=number"
    assert table(order=TableOrder("name", True)).link_to_sort(name) == "?q=a%26b&sort=name"
    assert not note.sorts


def test_short_lists_are_sorted_without_regard_to_case_and_what_is_unknown_is_last() -> None:
    rows = table(("b", 2, ""), ("A", None, ""), ("c", 10, "")).rows

    def names(order: TableOrder) -> list[object]:
        return [row[0].value for row in arranged(rows, COLUMNS, order)]

    assert names(TableOrder("name")) == ["A", "b", "c"]
    assert names(TableOrder("number")) == ["b", "c", "A"]
    assert names(TableOrder("number", backwards=True)) == ["c", "b", "A"]
    assert names(TableOrder("id")) == ["b", "A", "c"]


def test_a_file_has_all_pages_each_once_under_one_heading() -> None:
    first, last = table(("a", 1, ""), after={"after": "1"}), table(("b", 2, ""))
    assert lines_of(first, last) == ["\ufeffNAME,NUMBER,NOTE", "a,1,", "b,2,"]
    assert lines_of(last, language="nl") == ["\ufeffNAME;NUMBER;NOTE", "b;2;"]
    assert first.next_page == "?q=a%26b&sort=name&after=1"


def test_a_file_has_values_and_not_their_looks() -> None:
    at = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    shown = Cell("campaign 7", html=Markup("<a>campaign 7</a>"), href="/x")
    assert lines_of(table((at, 0.12345, None), (shown, 1, Cell("c", note="d"))))[1:] == [
        "2026-11-28 00:30:00,0.1235,",
        "campaign 7,1,c (d)",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_a_file_runs_as_a_formula(text: str) -> None:
    assert lines_of(table((text, 1, Cell(text, note="x"))))[1:] == [f"'{text},1,'{text} (x)"]


def test_an_address_says_no_order_that_nobody_chose() -> None:
    assert table(after={"after": "1"}, order=TableOrder("id", backwards=True)).next_page == "?q=a%26b&after=1"
