"""A figure: panels no wider than a phone, side by side in the file and as they fit on the page."""

from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from pipeline.report.figures.colours import FADED, INK

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
FONT_SIZE = 11

WIDEST = 360
"""Pixels that a panel may have at most, all in all."""


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


@dataclass(frozen=True)
class Panel:
    """One chart of a figure.

    Attributes:
        chart: the chart, without a theme.
        text: what the chart shows, for those who cannot see it.
    """

    chart: alt.LayerChart
    text: str

    def spec(self) -> dict[str, Any]:
        """Return the chart in Vega-Lite, with the theme."""
        # Altair has checked every part as it was made, and copies all of a chart to configure it.
        return {**self.chart.to_dict(validate=False), "config": THEME}


@dataclass(frozen=True)
class Figure:
    """A figure and what is said of it.

    Attributes:
        name: of its files, results/figures/NAME.svg and .png.
        title: what it is.
        caption: how to read it, intervals and units included.
        panels: the charts.
        columns: how many stand side by side in the files.
        source: the table under results/ that its numbers are from.
        numbers: what the panels show, printed, one row a mark.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    columns: int
    source: str
    numbers: pd.DataFrame


def titled(text: str) -> alt.TitleParams:
    """Return a panel's title, kept at the left edge."""
    return alt.TitleParams(text, anchor="start", frame="group", offset=8)
