"""Language by shots: the accuracy of every run of the grid, and the reference's lead."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from pipeline.evaluation.files import AVERAGE
from pipeline.evaluation.words import MINUS, counted, percent, signed
from pipeline.params.grid import Comparison
from pipeline.report.figures.colours import diverging, sequential
from pipeline.report.figures.figure import BARE, Figure, Panel, bounds, finished, tiles
from pipeline.report.text import language_name

STEP, ROW = 31, 19


def heatmap(
    intervals: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    runs: Sequence[str],
    comparison: Comparison,
) -> Figure | None:
    """Draw a panel per run of the grid, and one for the reference's lead over the baseline.

    It is None if no run of the grid has cells.
    """
    ours = intervals[intervals["run"].isin(runs)]
    if ours.empty:
        return None
    low, high = ours["mean"].min(), ours["mean"].max()
    ours = ours.assign(
        fill=[sequential((mean - low) / (high - low or 1)) for mean in ours["mean"]],
        printed=ours["mean"].map(percent),
        bounds=bounds(ours),
    )
    present = [run for run in runs if run in set(ours["run"])]
    panels = [_panel(ours[ours["run"] == run], "mean", title=run, unit="%") for run in present]
    lead = differences[differences["other"] == comparison.baseline]
    if not lead.empty:
        panels.append(_lead(lead, f"{comparison.reference} {MINUS} {comparison.baseline}"))
    return Figure(
        name="heatmap",
        title="Accuracy by language and shots",
        caption=(
            "Mean over seeds, percent. All runs share one colour scale; darker is higher. In the "
            "panel of differences blue is ahead, brown is behind, and each number has its sign. "
            "The label of every number has its 95 % bootstrap interval."
        ),
        panels=tuple(panels),
        columns=3,
        source="intervals.csv",
        numbers=pd.DataFrame(
            {
                "run": ours["run"],
                "shots": ours["shots"].map(str),
                "language": ours["language"].map(language_name),
                "mean, %": ours["printed"],
            }
        ),
    )


def _lead(rows: pd.DataFrame, title: str) -> Panel:
    most = rows["difference"].abs().max() or 1.0
    rows = rows.assign(
        fill=[diverging(difference / most) for difference in rows["difference"]],
        printed=rows["difference"].map(signed),
        bounds=bounds(rows, signed),
    )
    return _panel(rows, "difference", title=title, unit="points")


def _panel(rows: pd.DataFrame, column: str, *, title: str, unit: str) -> Panel:
    texts = [
        f"{language_name(row['language'])}, {counted(row['shots'], 'shot')}: {row['printed']} "
        f"{unit} ({row['bounds']})"
        for row in rows.to_dict("records")
    ]
    rows = rows.assign(text=texts, name=rows["language"].map(language_name))
    shots = sorted({int(k) for k in rows["shots"]})
    order = [*sorted(set(rows["language"]) - {AVERAGE}), AVERAGE]
    axis = alt.Axis(labelAngle=0, ticks=False, domain=False)
    x = alt.X("shots:O", sort=shots, title="shots", axis=axis)
    y = alt.Y("name:N", sort=[language_name(code) for code in order], title=None, axis=BARE)
    size = {"width": alt.Step(STEP), "height": alt.Step(ROW)}
    chart = finished(tiles(rows, x, y, fontSize=10), f"{title} ({unit})", **size)
    best = rows["text"].iloc[int(rows[column].argmax())]
    return Panel(chart, f"{title}, by language and shots; the highest: {best}.")
