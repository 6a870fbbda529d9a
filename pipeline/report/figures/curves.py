"""Accuracy against shots, a line for each run of the grid; the paper's beside ours."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from pipeline.report.figures.colours import DASHES, SERIES, SHAPES
from pipeline.report.figures.figure import Figure, Panel, titled
from pipeline.report.figures.words import (
    AVERAGE,
    BOOTSTRAP,
    interval,
    percent,
    seeds_name,
    shots_name,
)

WIDTH, HEIGHT = 270, 220
APART = 2.5
"""Pixels between the marks of runs at the same shots, so that intervals do not cover each other."""


def curves(intervals: pd.DataFrame, paper: pd.DataFrame, runs: Sequence[str]) -> Figure | None:
    """Draw the mean over languages against the shots.

    Args:
        intervals: the rows of intervals.csv.
        paper: the paper's Table I, percent.
        runs: the runs of the grid.

    Returns:
        None where no run of the grid has cells.
    """
    ours = intervals[(intervals["language"] == AVERAGE) & intervals["run"].isin(runs)]
    if ours.empty:
        return None
    ours = ours.assign(
        text=[
            f"{row['run']} at {shots_name(row['shots'])}: {percent(row['mean'])} % "
            f"({interval(row['low'], row['high'])}), {seeds_name(row['seeds'])}"
            for row in ours.to_dict("records")
        ]
    )
    panels = [_panel(ours, runs, title="ours")]
    theirs = paper.rename(columns={"method": "run", AVERAGE: "mean"})
    theirs = theirs[theirs["run"].isin(runs)]
    if not theirs.empty:
        texts = [
            f"{row['run']} at {shots_name(row['shots'])}: {percent(row['mean'])} % in the paper"
            for row in theirs.to_dict("records")
        ]
        theirs = theirs[["run", "shots", "mean"]].assign(text=texts)
        panels.append(_panel(theirs, runs, title="the paper's (XLM-R-base on XNLI)"))
    return Figure(
        name="curves",
        title="Accuracy against shots",
        caption=(
            "Mean accuracy over the languages; shots are labelled pairs of each label, on a "
            f"logarithmic axis. Upright lines: {BOOTSTRAP}; the paper prints none."
        ),
        panels=tuple(panels),
        columns=2,
        source="intervals.csv",
        numbers=pd.DataFrame(
            {
                "run": list(ours["run"]),
                "shots": [str(shots) for shots in ours["shots"]],
                "mean, %": [percent(value) for value in ours["mean"]],
                "95 % interval": [
                    interval(low, high) for low, high in zip(ours["low"], ours["high"], strict=True)
                ],
            }
        ),
    )


def _panel(rows: pd.DataFrame, runs: Sequence[str], *, title: str) -> Panel:
    shots = sorted({int(k) for k in rows["shots"]})
    bounded = "low" in rows
    reach = rows[["low", "high"] if bounded else ["mean"]].to_numpy()
    x = alt.X(
        "shots:Q",
        title="shots (labelled pairs of each label)",
        scale=alt.Scale(type="log", base=2, domain=[shots[0] / 1.3, shots[-1] * 1.3], nice=False),
        axis=alt.Axis(values=shots, format="d", grid=False, labelOverlap=False),
    )
    y = alt.Y(
        "mean:Q",
        title="accuracy (%)",
        scale=alt.Scale(domain=[float(reach.min()), float(reach.max())], nice=5, zero=False),
        axis=alt.Axis(tickCount=6),
    )
    present = [run for run in runs if run in set(rows["run"])]
    keys = {"domain": list(runs)}
    legend = alt.Legend(values=present, columns=4)
    colour = alt.Color("run:N", scale=alt.Scale(range=_cycled(SERIES, runs), **keys), legend=legend)
    shape = alt.Shape("run:N", scale=alt.Scale(range=_cycled(SHAPES, runs), **keys), legend=legend)
    dash = alt.StrokeDash(
        "run:N", scale=alt.Scale(range=_cycled(DASHES, runs), **keys), legend=None
    )
    layers = []
    for run in present:
        aside = alt.value(bounded * APART * (runs.index(run) - (len(runs) - 1) / 2))
        base = alt.Chart(rows[rows["run"] == run]).encode(x=x, color=colour, xOffset=aside)
        if bounded:
            layers.append(
                base.mark_rule(aria=False, strokeWidth=1.2).encode(
                    y=alt.Y("low:Q", title="accuracy (%)"), y2="high:Q"
                )
            )
        layers.append(base.mark_line(aria=False, strokeWidth=1.5).encode(y=y, strokeDash=dash))
        layers.append(
            base.mark_point(filled=True, opacity=1, size=50).encode(
                y=y, shape=shape, description="text:N"
            )
        )
    chart = alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, title=titled(title), description=title
    )
    best = rows["text"].iloc[int(rows["mean"].argmax())]
    return Panel(chart, f"Accuracy against shots, {title}; the highest: {best}.")


def _cycled(values: Sequence[object], runs: Sequence[str]) -> list[object]:
    return [values[at % len(values)] for at in range(len(runs))]
