"""Draws charts as images on the server. Each stands beside a table with the same data."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rugcourse.design import design_tokens

_WIDTH, _HEIGHT = 1000, 300
_FEW = 8


def bars(title: str, values: Mapping[str, int | float]) -> str:
    """Return a data URI of a bar chart."""
    return _drawn(tuple(values), ((title, tuple(values.values())),))


def grouped_bars(labels: Sequence[str], series: Mapping[str, Sequence[int | float]]) -> str:
    """Return a data URI of a bar chart with several series."""
    return _drawn(tuple(labels), tuple((name, tuple(values)) for name, values in series.items()))


@lru_cache(maxsize=64)  # drawing takes about 20 ms
def _drawn(labels: tuple[str, ...], series: tuple[tuple[str, tuple[int | float, ...]], ...]) -> str:
    import pygal  # noqa: PLC0415 - loaded with the first chart, as most processes need none
    from pygal.style import Style  # noqa: PLC0415

    tokens = design_tokens()
    light = tokens.light
    style = Style(
        background=light["card"],
        plot_background=light["card"],
        foreground=light["ink"],
        foreground_strong=light["ink"],
        foreground_subtle=light["quiet"],
        colors=tokens.chart,
        font_family="sans-serif",
        label_font_size=15,
        major_label_font_size=15,
        legend_font_size=15,
        value_font_size=13,
    )
    chart = pygal.Bar(
        style=style,
        js=(),
        width=_WIDTH,
        height=_HEIGHT,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        x_label_rotation=35 if len(labels) > 8 else 0,
        x_labels_major_every=max(1, len(labels) // 12),
        show_minor_x_labels=False,
        margin=12,
        spacing=8,
        include_x_axis=True,
        title=None,
    )
    chart.x_labels = labels
    highest = max((value for _, values in series for value in values), default=0)
    if highest < _FEW:
        chart.y_labels = range(int(highest) + 2)  # no fractions on the axis
    for name, values in series:
        chart.add(name, list(values))
    picture = base64.b64encode(chart.render(is_unicode=True).encode()).decode()
    return f"data:image/svg+xml;base64,{picture}"
