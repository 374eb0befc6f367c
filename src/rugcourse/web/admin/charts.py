"""The geometry of charts. `templates/web/admin/charts.html` draws them as SVG, in the colours of the page.

Widths are in per cent and heights in pixels, so that a chart fits every window and its words keep their size. Each
stands beside a table with the same data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

PLOT_HEIGHT = 170  # pixels
_GAP = 0.25  # part of a column that is left empty
_MAX_VALUES = 14  # with more columns only the highest one shows its number
_LETTERS_BELOW = 60  # of labels that fit below a chart in half of a wide window
_EVERY_ON_PHONES = 2


@dataclass(frozen=True, slots=True)
class ChartColumn:
    """`left`, `middle`, `width`: per cent of the chart. `height`: pixels of `PLOT_HEIGHT`.

    `shows_value`, `shows_label`: whether there is room; `is_minor`: in a narrow window there is none for the label.
    """

    label: str
    value: float
    left: float
    middle: float
    width: float
    height: float
    shows_value: bool
    shows_label: bool
    is_minor: bool


@dataclass(frozen=True, slots=True)
class ChartBar:
    """`width`: per cent of the chart. `share`: of the whole, in per cent; None where it says nothing."""

    label: str
    value: float
    width: float
    share: int | None


def columns(values: Mapping[str, float]) -> tuple[ChartColumn, ...]:
    """Return a column for each label; none if all values are 0. The last one always shows its label."""
    highest = max(values.values(), default=0)
    if highest <= 0:
        return ()
    room, last = 100 / len(values), len(values) - 1
    step = max(1, ceil(len(values) * (max(map(len, values)) + 1) / _LETTERS_BELOW))
    return tuple(
        ChartColumn(
            label=label,
            value=value,
            left=round(place * room + room * _GAP / 2, 3),
            middle=round((place + 0.5) * room, 3),
            width=round(room * (1 - _GAP), 3),
            height=round(PLOT_HEIGHT * value / highest, 1),
            shows_value=value > 0 and (len(values) <= _MAX_VALUES or value == highest),
            shows_label=(last - place) % step == 0,
            is_minor=(last - place) // step % _EVERY_ON_PHONES != 0,
        )
        for place, (label, value) in enumerate(values.items())
    )


def bars(rows: Iterable[tuple[str, float]], whole: float = 0) -> tuple[ChartBar, ...]:
    """Return a horizontal bar for each (label, value). `whole`: what the shares are of; 0: none are shown."""
    found: Sequence[tuple[str, float]] = list(rows)
    highest = max((value for _, value in found), default=0) or 1
    return tuple(
        ChartBar(label, value, round(100 * value / highest, 2), round(100 * value / whole) if whole else None)
        for label, value in found
    )
