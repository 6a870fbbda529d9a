"""Accuracy against shots, one line per run of the grid; the paper's beside ours."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from pipeline.evaluation.files import AVERAGE
from pipeline.evaluation.words import BOOTSTRAP, counted, percent
from pipeline.report.figures.colours import DASHES, SERIES, SHAPES
from pipeline.report.figures.figure import Figure, Panel, bounds, finished

WIDTH, HEIGHT = 270, 220
APART = 2.5
"""Pixels between the marks of runs at the same shots, so that intervals do not overlap."""


def curves(
    intervals: pd.DataFrame, paper: pd.DataFrame, runs: Sequence[str], *, beside: str
) -> Figure | None:
    """Draw the mean over languages against the shots; None if no run of the grid has cells.

    `beside` is what the caption says of the paper's panel beside ours.
    """
    ours = intervals[(intervals["language"] == AVERAGE) & intervals["run"].isin(runs)]
    if ours.empty:
        return None
    seeds = [counted(number, "seed") for number in ours["seeds"]]
    texts = zip(_texts(ours), bounds(ours), seeds, strict=True)
    ours = ours.assign(text=[f"{text} ({bound}), {of}" for text, bound, of in texts])
    panels = [_panel(ours, runs, title="ours")]
    languages = counted(intervals["language"].nunique() - 1, "language")
    theirs = paper.rename(columns={"method": "run", AVERAGE: "mean"})
    theirs = theirs.loc[theirs["run"].isin(runs), ["run", "shots", "mean"]].dropna()
    caption = (
        f"Mean accuracy over {languages}; shots are labelled pairs per label, on a logarithmic "
        f"axis. Vertical lines: {BOOTSTRAP}"
    )
    if not theirs.empty:
        theirs = theirs.assign(text=[f"{text} in the paper" for text in _texts(theirs)])
        panels.append(_panel(theirs, runs, title="the paper's (XLM-R-base on XNLI)"))
    return Figure(
        name="curves",
        title="Accuracy against shots",
        caption=f"{caption}." if theirs.empty else f"{caption}; the paper prints none. {beside}",
        panels=tuple(panels),
        columns=2,
        source="intervals.csv",
        numbers=pd.DataFrame(
            {
                "run": ours["run"],
                "shots": ours["shots"].map(str),
                "mean, %": ours["mean"].map(percent),
                "95 % interval": bounds(ours),
            }
        ),
    )


def _texts(rows: pd.DataFrame) -> list[str]:
    return [
        f"{row['run']} at {counted(row['shots'], 'shot')}: {percent(row['mean'])} %"
        for row in rows.to_dict("records")
    ]


def _panel(rows: pd.DataFrame, runs: Sequence[str], *, title: str) -> Panel:
    shots = sorted({int(k) for k in rows["shots"]})
    bounded = "low" in rows
    reach = rows[["low", "high"] if bounded else ["mean"]].to_numpy()
    x = alt.X(
        "shots:Q",
        title="shots (labelled pairs per label)",
        scale=alt.Scale(type="log", base=2, domain=[shots[0] / 1.3, shots[-1] * 1.3], nice=False),
        axis=alt.Axis(values=shots, format="d", grid=False, labelOverlap=False),
    )
    ends = alt.Scale(domain=[float(reach.min()), float(reach.max())], nice=5, zero=False)
    y = alt.Y("mean:Q", title="accuracy (%)", scale=ends, axis=alt.Axis(tickCount=6))
    present = [run for run in runs if run in set(rows["run"])]
    legend = alt.Legend(values=present, columns=4)
    colour = alt.Color("run:N", scale=_scale(SERIES, runs), legend=legend)
    shape = alt.Shape("run:N", scale=_scale(SHAPES, runs), legend=legend)
    dash = alt.StrokeDash("run:N", scale=_scale(DASHES, runs), legend=None)
    layers = []
    for run in present:
        aside = alt.value(bounded * APART * (runs.index(run) - (len(runs) - 1) / 2))
        base = alt.Chart(rows[rows["run"] == run]).encode(x=x, color=colour, xOffset=aside)
        if bounded:
            ends = {"y": alt.Y("low:Q", title="accuracy (%)"), "y2": "high:Q"}
            layers.append(base.mark_rule(aria=False, strokeWidth=1.2).encode(**ends))
        layers.append(base.mark_line(aria=False, strokeWidth=1.5).encode(y=y, strokeDash=dash))
        points = base.mark_point(filled=True, opacity=1, size=50)
        layers.append(points.encode(y=y, shape=shape, description="text:N"))
    best = rows["text"].iloc[int(rows["mean"].argmax())]
    chart = finished(layers, title, width=WIDTH, height=HEIGHT)
    return Panel(chart, f"Accuracy against shots, {title}; the highest: {best}.")


def _scale(values: Sequence[object], runs: Sequence[str]) -> alt.Scale:
    """Return a scale that gives each run a value, again from the first if there are too few."""
    return alt.Scale(domain=list(runs), range=[values[at % len(values)] for at in range(len(runs))])
