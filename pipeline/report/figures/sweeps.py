"""Figures 4 and 5: the reference with one setting changed."""

import math
from collections.abc import Iterator

import altair as alt
import pandas as pd

from pipeline.evaluation.words import BOOTSTRAP, counted, percent
from pipeline.report.figures.colours import FADED, SERIES
from pipeline.report.figures.figure import BARS_WIDTH, Figure, Panel, bars, bounds, finished
from pipeline.report.text import axis_name, key_name

ACCURACY = "accuracy (%)"
SPACED = {"labelOverlap": "greedy", "labelSeparation": 5}
WIDE_RATIO = 8
"""From this ratio of the largest to the smallest value on, an axis is logarithmic."""


def categorical(sweeps: pd.DataFrame, reference: str) -> Figure | None:
    """Draw Figure 4: bars for each key whose values are words; None if there is none."""
    parts = [part for part in _parts(sweeps) if not _is_numeric(sweeps, part)]
    marks = "Bars", "blue bar, its value in brackets"
    return _figure("figure4", parts, [_bars(part, reference) for part in parts], marks, reference)


def numeric(sweeps: pd.DataFrame, reference: str) -> Figure | None:
    """Draw Figure 5: a line for each key whose values are numbers; None if there is none."""
    parts = [
        part.assign(number=part["value"].astype(float)).sort_values("number")
        for part in _parts(sweeps)
        if _is_numeric(sweeps, part)
    ]
    marks = "Points", "diamond"
    return _figure("figure5", parts, [_line(part, reference) for part in parts], marks, reference)


def _is_numeric(sweeps: pd.DataFrame, part: pd.DataFrame) -> bool:
    """Return whether every value of a part's key is a finite number."""
    values = sweeps.loc[sweeps["key"] == part["key"].iloc[0], "value"]
    return bool(pd.to_numeric(values, errors="coerce").map(math.isfinite).all())


def _parts(sweeps: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of each key and number of shots, the largest shots first."""
    ordered = sweeps.sort_values("shots", ascending=False, kind="stable")
    for _, part in ordered.groupby(["shots", "key"], sort=False):
        if part["value"].nunique() > 1:
            texts = [
                f"{key_name(row['key'])} {row['value']}: {percent(row['mean'])} % "
                f"({bound}), run {row['run']}, {counted(row['seeds'], 'seed')}"
                for row, bound in zip(part.to_dict("records"), bounds(part), strict=True)
            ]
            yield part.assign(text=texts, printed=part["mean"].map(percent))


def _figure(
    name: str,
    parts: list[pd.DataFrame],
    panels: list[Panel],
    marks: tuple[str, str],
    reference: str,
) -> Figure | None:
    if not panels:
        return None
    rows = pd.concat(parts)
    return Figure(
        name=name,
        title=f"Figure {name[-1]}: {reference} with one setting changed",
        caption=(
            f"{marks[0]}: mean accuracy over languages and seeds; lines: {BOOTSTRAP}. "
            f"{reference} itself is the {marks[1]}. The paper prints no numbers for this figure."
        ),
        panels=tuple(panels),
        columns=min(3, len(panels)),
        source="sweeps.csv",
        numbers=pd.DataFrame(
            {
                "setting": rows["key"].map(key_name),
                "value": rows["value"],
                "shots": rows["shots"].map(str),
                "mean, %": rows["printed"],
                "95 % interval": bounds(rows),
            }
        ),
    )


def _bars(part: pd.DataFrame, reference: str) -> Panel:
    """Return bars from zero, the reference's in another colour and with its value in brackets."""
    part = part.sort_values("mean", ascending=False, kind="stable")
    own = part["run"] == reference
    part = part.assign(
        fill=[SERIES[0] if mine else FADED for mine in own],
        name=part["value"].where(~own, "[" + part["value"] + "]"),
    )
    ends = alt.Scale(domain=[0, float(part["high"].max())], nice=5)
    x = alt.X("mean:Q", title=ACCURACY, scale=ends, axis=alt.Axis(tickCount=5))
    return _panel(bars(part, x, ACCURACY, height=13, room=32), part, height=alt.Step(21))


def _line(part: pd.DataFrame, reference: str) -> Panel:
    """Return a line through the values in order, the reference's point a larger diamond."""
    own = part["run"] == reference
    part = part.assign(shape=own.map({True: "diamond", False: "circle"}), size=45 + 85 * own)
    values = sorted(set(part["number"]))
    wide = values[0] > 0 and values[-1] / values[0] >= WIDE_RATIO
    x = alt.X(
        "number:Q",
        title=axis_name(str(part["key"].iloc[0])),
        scale=alt.Scale(type="log" if wide else "linear", zero=False, nice=False, padding=10),
        axis=alt.Axis(values=values, labelExpr="'' + datum.value", grid=False, **SPACED),
    )
    reach = [float(part["low"].min()), float(part["high"].max())]
    ends = alt.Scale(domain=reach, nice=4, zero=False)
    y = alt.Y("mean:Q", title=ACCURACY, scale=ends, axis=alt.Axis(tickCount=5))
    base = alt.Chart(part).encode(x=x)
    interval = {"y": alt.Y("low:Q", title=ACCURACY), "y2": "high:Q"}
    marks = {"shape": alt.Shape("shape:N", scale=None), "size": alt.Size("size:Q", scale=None)}
    points = base.mark_point(filled=True, opacity=1, color=SERIES[0])
    points = points.encode(y=y, description="text:N", **marks)
    line = base.mark_line(color=SERIES[0], strokeWidth=1.5, aria=False).encode(y=y)
    rules = base.mark_rule(strokeWidth=1.2, aria=False).encode(**interval)
    return _panel([rules, line, points], part, height=170)


def _panel(layers: list[alt.Chart], part: pd.DataFrame, **size: object) -> Panel:
    key, shots = str(part["key"].iloc[0]), int(part["shots"].iloc[0])
    title = f"{key_name(key)}, {counted(shots, 'shot')}"
    best = part["text"].iloc[int(part["mean"].argmax())]
    chart = finished(layers, title, width=BARS_WIDTH, **size)
    return Panel(chart, f"{title}: {counted(len(part), 'value')}; the highest is {best}.")
