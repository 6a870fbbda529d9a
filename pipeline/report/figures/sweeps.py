"""Figures 4 and 5: the reference with one setting changed."""

import math
from collections.abc import Iterator

import altair as alt
import pandas as pd

from pipeline.report.figures.colours import FADED, SERIES
from pipeline.report.figures.figure import Figure, Panel, titled
from pipeline.report.figures.words import (
    BOOTSTRAP,
    axis_name,
    interval,
    key_name,
    percent,
    seeds_name,
    shots_name,
)

WIDTH = 190
WIDE_RATIO = 8
"""From this ratio of the largest to the smallest value on, an axis is logarithmic."""


def categorical(sweeps: pd.DataFrame, reference: str) -> Figure | None:
    """Draw Figure 4: a panel of bars for each key whose values are words.

    Args:
        sweeps: the rows of sweeps.csv.
        reference: the run that the others are variants of.

    Returns:
        None where no such key was varied.
    """
    parts = [part for key, part in _parts(sweeps) if not is_numeric(sweeps, key)]
    return _figure("figure4", parts, [_bars(part, reference) for part in parts], reference)


def numeric(sweeps: pd.DataFrame, reference: str) -> Figure | None:
    """Draw Figure 5: a panel of a line for each key whose values are numbers.

    Args:
        sweeps: the rows of sweeps.csv.
        reference: the run that the others are variants of.

    Returns:
        None where no such key was varied.
    """
    parts = [
        part.assign(number=part["value"].astype(float)).sort_values("number")
        for key, part in _parts(sweeps)
        if is_numeric(sweeps, key)
    ]
    return _figure("figure5", parts, [_line(part, reference) for part in parts], reference)


def is_numeric(sweeps: pd.DataFrame, key: str) -> bool:
    """Return whether every value of a key is a finite number."""
    values = pd.to_numeric(sweeps.loc[sweeps["key"] == key, "value"], errors="coerce")
    return bool(values.map(math.isfinite).all())


def _parts(sweeps: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each key and number of shots, the largest shots first."""
    for (key, _), part in sweeps.groupby(["key", "shots"], sort=False):
        if part["value"].nunique() > 1:
            yield str(key), _described(part)


def _described(part: pd.DataFrame) -> pd.DataFrame:
    texts = [
        f"{key_name(row['key'])} {row['value']}: {percent(row['mean'])} % "
        f"({interval(row['low'], row['high'])}), run {row['run']}, {seeds_name(row['seeds'])}"
        for row in part.to_dict("records")
    ]
    return part.assign(text=texts, printed=[percent(value) for value in part["mean"]])


def _figure(
    name: str, parts: list[pd.DataFrame], panels: list[Panel], reference: str
) -> Figure | None:
    if not panels:
        return None
    rows = pd.concat(parts).sort_values("shots", ascending=False, kind="stable")
    order = sorted(range(len(parts)), key=lambda at: -int(parts[at]["shots"].iloc[0]))
    what, own = (
        ("Bars", "blue bar, its value in brackets") if name == "figure4" else ("Points", "diamond")
    )
    return Figure(
        name=name,
        title=f"Figure {name[-1]}: {reference} with one setting changed",
        caption=(
            f"{what}: mean accuracy over languages and seeds; lines: {BOOTSTRAP}. "
            f"{reference} itself is the {own}. The paper prints no numbers for this figure."
        ),
        panels=tuple(panels[at] for at in order),
        columns=min(3, len(panels)),
        source="sweeps.csv",
        numbers=pd.DataFrame(
            {
                "setting": [key_name(key) for key in rows["key"]],
                "value": list(rows["value"]),
                "shots": [str(shots) for shots in rows["shots"]],
                "mean, %": [percent(value) for value in rows["mean"]],
                "95 % interval": [
                    interval(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)
                ],
            }
        ),
    )


def _bars(part: pd.DataFrame, reference: str) -> Panel:
    """Bars from zero, the reference's own in another colour and with its value in brackets."""
    part = part.sort_values("mean", ascending=False, kind="stable")
    own = part["run"] == reference
    part = part.assign(
        fill=[SERIES[0] if mine else FADED for mine in own],
        place=[f"[{v}]" if mine else v for v, mine in zip(part["value"], own, strict=True)],
    )
    y = alt.Y("place:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False))
    base = alt.Chart(part).encode(y=y)
    top = float(part["high"].max())
    x = alt.X(
        "mean:Q",
        title="accuracy (%)",
        scale=alt.Scale(domain=[0, top], nice=5),
        axis=alt.Axis(tickCount=5),
    )
    bars = base.mark_bar(height=13).encode(
        x=x, color=alt.Color("fill:N", scale=None), description="text:N"
    )
    rules = base.mark_rule(strokeWidth=1.5, aria=False).encode(
        x=alt.X("low:Q", title="accuracy (%)"), x2="high:Q"
    )
    texts = base.mark_text(align="right", aria=False).encode(
        x=alt.value(WIDTH + 32), text="printed:N"
    )
    return _panel(alt.layer(bars, rules, texts).properties(height=alt.Step(21)), part)


def _line(part: pd.DataFrame, reference: str) -> Panel:
    """A line through the values in order, the reference's own point a larger diamond."""
    own = part["run"] == reference
    part = part.assign(shape=["diamond" if mine else "circle" for mine in own])
    part["size"] = [130 if mine else 45 for mine in own]
    values = sorted(set(part["number"]))
    wide = values[0] > 0 and values[-1] / values[0] >= WIDE_RATIO
    x = alt.X(
        "number:Q",
        title=axis_name(str(part["key"].iloc[0])),
        scale=alt.Scale(type="log" if wide else "linear", zero=False, nice=False, padding=10),
        axis=alt.Axis(
            values=values,
            labelExpr="'' + datum.value",
            labelOverlap="greedy",
            labelSeparation=5,
            grid=False,
        ),
    )
    y = alt.Y(
        "mean:Q",
        title="accuracy (%)",
        scale=alt.Scale(
            domain=[float(part["low"].min()), float(part["high"].max())], nice=4, zero=False
        ),
        axis=alt.Axis(tickCount=5),
    )
    base = alt.Chart(part).encode(x=x)
    line = base.mark_line(color=SERIES[0], strokeWidth=1.5, aria=False).encode(y=y)
    rules = base.mark_rule(strokeWidth=1.2, aria=False).encode(
        y=alt.Y("low:Q", title="accuracy (%)"), y2="high:Q"
    )
    points = base.mark_point(filled=True, opacity=1, color=SERIES[0]).encode(
        y=y,
        shape=alt.Shape("shape:N", scale=None),
        size=alt.Size("size:Q", scale=None),
        description="text:N",
    )
    return _panel(alt.layer(rules, line, points).properties(height=170), part)


def _panel(chart: alt.LayerChart, part: pd.DataFrame) -> Panel:
    key, shots = str(part["key"].iloc[0]), int(part["shots"].iloc[0])
    title = f"{key_name(key)}, {shots_name(shots)}"
    best = part["text"].iloc[int(part["mean"].argmax())]
    chart = chart.properties(width=WIDTH, title=titled(title), description=title)
    return Panel(chart, f"{title}: {len(part)} values; the highest is {best}.")
