"""A figure: panels no wider than a phone, in columns in its file and as they fit on the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from pipeline.evaluation.words import interval, percent
from pipeline.report.figures.colours import FADED, INK, text_on

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
FONT_SIZE = 11

WIDEST = 360
"""Pixels that a panel may be wide."""

THEME = {
    "background": "transparent",
    "font": FONT,
    "padding": {"left": 2, "right": 4, "top": 2, "bottom": 2},
    "view": {"stroke": None},
    "axis": {
        "aria": False,
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": "normal",
        "titlePadding": 6,
        "labelLimit": 150,
        "gridColor": FADED,
        "gridOpacity": 0.25,
        "domainColor": FADED,
        "tickColor": FADED,
        "tickSize": 4,
    },
    "title": {"aria": False, "color": INK, "subtitleColor": INK, "fontSize": FONT_SIZE + 1},
    "legend": {
        "aria": False,
        "title": None,
        "labelColor": INK,
        "labelFontSize": FONT_SIZE,
        "orient": "top",
        "direction": "horizontal",
        "symbolSize": 60,
        "offset": 4,
    },
    "text": {"fontSize": FONT_SIZE, "color": INK},
    "rule": {"color": INK},
}
"""Vega-Lite's `config` of every panel."""

BARS_WIDTH = 190
"""Pixels of the axis under bars."""

FILL = alt.Color("fill:N", scale=None)
BARE = alt.Axis(ticks=False, domain=False)
"""The colour in the column `fill`, and an axis that only has labels."""


@dataclass(frozen=True)
class Panel:
    """One chart of a figure, and what it shows for readers who cannot see it."""

    chart: alt.LayerChart
    text: str

    def spec(self) -> dict[str, Any]:
        """Return the chart in Vega-Lite, with the theme."""
        # Altair validated each part when it was made, and would copy the chart to configure it.
        return {**self.chart.to_dict(validate=False), "config": THEME}


@dataclass(frozen=True)
class Figure:
    """A figure, whose files are results/figures/NAME.svg and .png.

    Attributes:
        caption: how to read it, intervals and units included.
        columns: how many panels are side by side in the files.
        source: the table under results/ that has its numbers.
        numbers: what the panels show, as text, one row per mark.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    columns: int
    source: str
    numbers: pd.DataFrame


def finished(layers: list[alt.Chart], title: str, **size: object) -> alt.LayerChart:
    """Return layers as one chart of this size, its title at the left edge."""
    at_left = alt.TitleParams(title, anchor="start", frame="group", offset=8)
    return alt.layer(*layers).properties(title=at_left, **size)


def bars(rows: pd.DataFrame, x: alt.X, axis: str, *, height: int, room: int) -> list[alt.Chart]:
    """Return the layers of horizontal bars with their numbers at the right.

    Args:
        rows: one per bar: its label `name`, its `fill`, its number as `printed`, its description
            `text`, and perhaps its interval, `low` and `high`.
        x: the length of the bars.
        axis: the title of that axis.
        height: pixels of a bar.
        room: pixels for the numbers.
    """
    base = alt.Chart(rows).encode(y=alt.Y("name:N", sort=None, title=None, axis=BARE))
    layers = [base.mark_bar(height=height).encode(x=x, color=FILL, description="text:N")]
    if "low" in rows:
        ends = {"x": alt.X("low:Q", title=axis), "x2": "high:Q"}
        layers.append(base.mark_rule(strokeWidth=1.5, aria=False).encode(**ends))
    numbers = base.mark_text(align="right", aria=False)
    return [*layers, numbers.encode(x=alt.value(BARS_WIDTH + room), text="printed:N")]


def tiles(rows: pd.DataFrame, x: alt.X, y: alt.Y, **text: object) -> list[alt.Chart]:
    """Return the layers of a grid of numbers.

    Each row is a tile: its `fill`, its number as `printed`, its description `text`. The keywords
    are settings of the numbers.
    """
    base = alt.Chart(rows.assign(ink=rows["fill"].map(text_on))).encode(x=x, y=y)
    numbers = base.mark_text(aria=False, **text)
    return [
        base.mark_rect().encode(color=FILL, description="text:N"),
        numbers.encode(text="printed:N", color=alt.Color("ink:N", scale=None)),
    ]


def bounds(rows: pd.DataFrame, number: Callable[[float], str] = percent) -> list[str]:
    """Return the intervals of rows, `low` to `high`, as text."""
    return [interval(*ends, number) for ends in zip(rows["low"], rows["high"], strict=True)]
