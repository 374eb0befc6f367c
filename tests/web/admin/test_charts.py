"""Where the parts of a chart stand, and which words there is room for."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rugcourse.web.admin import charts
from rugcourse.web.admin.charts import PLOT_HEIGHT


def test_the_highest_column_fills_the_chart_and_the_others_are_in_proportion() -> None:
    found = charts.columns({"a": 10, "b": 5, "c": 0})
    assert [one.height for one in found] == [PLOT_HEIGHT, PLOT_HEIGHT / 2, 0]
    assert [one.shows_value for one in found] == [True, True, False]


@pytest.mark.parametrize("values", [{}, {"a": 0, "b": 0}])
def test_nothing_is_drawn_of_nothing(values: dict[str, int]) -> None:
    assert charts.columns(values) == ()


@pytest.mark.parametrize("count", [1, 2, 14, 36, 400])
def test_columns_stay_within_the_chart_and_apart(count: int) -> None:
    found = charts.columns({f"label {n}": n + 1 for n in range(count)})
    assert found[0].left >= 0
    assert all(one.left + one.width <= other.left for one, other in pairwise(found))
    assert found[-1].left + found[-1].width <= 100


def test_as_many_labels_are_shown_as_there_is_room_for() -> None:
    few, many = (charts.columns({f"{n:02}-11": 1 for n in range(count)}) for count in (6, 60))
    assert all(one.shows_label for one in few)
    assert many[-1].shows_label
    assert 5 <= sum(one.shows_label for one in many) <= 12
    assert sum(one.shows_label and not one.is_minor for one in many) <= 6  # on a phone


def test_with_many_columns_the_highest_one_alone_shows_its_number() -> None:
    found = charts.columns({str(n): n for n in range(20)})
    assert [one.value for one in found if one.shows_value] == [19]


def test_bars_are_relative_to_the_longest_one_and_shares_to_the_whole() -> None:
    found = charts.bars([("test", 200), ("confirmed", 100), ("done", 50)], 100)
    assert [(one.width, one.share) for one in found] == [(100, 200), (50, 100), (25, 50)]
    assert [one.share for one in charts.bars([("a", 1)])] == [None]
    assert charts.bars([("a", 0)])[0].width == 0
