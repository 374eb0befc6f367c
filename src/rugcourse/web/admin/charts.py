"""Draws charts as images on the server. Each stands beside a table with the same data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rugcourse.design import DesignTokens

_WIDTH, _HEIGHT = 1000, 300
_FEW = 8


def bars(title: str, values: Mapping[str, int | float], tokens: DesignTokens) -> str:
    """Return a data URI of a bar chart, in the colours of the site."""
    light = tokens.light
    colours = _Colours(light["card"], light["ink"], light["quiet"], tokens.chart)
    return _drawn(tuple(values), ((title, tuple(values.values())),), colours)


class _Colours(NamedTuple):
    background: str
    text: str
    quiet: str
    series: tuple[str, ...]


@lru_cache(maxsize=64)  # drawing takes about 20 ms
def _drawn(labels: tuple[str, ...], series: tuple[tuple[str, tuple[int | float, ...]], ...], colours: _Colours) -> str:
    import pygal  # noqa: PLC0415 - loaded with the first chart, as most processes need none
    from pygal.style import Style  # noqa: PLC0415

    style = Style(
        background=colours.background,
        plot_background=colours.background,
        foreground=colours.text,
        foreground_strong=colours.text,
        foreground_subtle=colours.quiet,
        colors=colours.series,
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
