"""Language by shots: the accuracy of every run of the grid, and the reference's lead."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from pipeline.params.grid import Comparison
from pipeline.report.figures.colours import diverging, sequential, text_on
from pipeline.report.figures.figure import Figure, Panel, titled
from pipeline.report.figures.words import (
    AVERAGE,
    interval,
    language_name,
    percent,
    shots_name,
    signed,
)

STEP, ROW = 31, 19


def heatmap(
    intervals: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    runs: Sequence[str],
    comparison: Comparison,
) -> Figure | None:
    """Draw a panel for each run of the grid, and one for the reference's lead on the baseline.

    Args:
        intervals: the rows of intervals.csv.
        differences: the rows of differences.csv.
        runs: the runs of the grid.
        comparison: names the reference and the baseline.

    Returns:
        None where no run of the grid has cells.
    """
    ours = intervals[intervals["run"].isin(runs)]
    if ours.empty:
        return None
    low, high = float(ours["mean"].min()), float(ours["mean"].max())
    ours = _filled(ours, "mean", [(v - low) / (high - low or 1) for v in ours["mean"]])
    panels = [
        _panel(ours[ours["run"] == run], title=run, unit="%")
        for run in runs
        if (ours["run"] == run).any()
    ]
    lead = differences[
        (differences["run"] == comparison.reference) & (differences["other"] == comparison.baseline)
    ]
    if not lead.empty:
        most = float(lead["difference"].abs().max()) or 1.0
        lead = _filled(lead, "difference", [value / most for value in lead["difference"]])
        title = f"{comparison.reference} \N{MINUS SIGN} {comparison.baseline}"
        panels.append(_panel(lead, title=title, unit="points"))
    return Figure(
        name="heatmap",
        title="Accuracy by language and shots",
        caption=(
            "Mean over seeds, percent; one scale of colour for all runs, darker is higher. In the "
            "panel of differences blue is ahead, brown behind, and each has its sign. The bounds "
            "of every number (95 % bootstrap) are in its mark."
        ),
        panels=tuple(panels),
        columns=3,
        source="intervals.csv",
        numbers=pd.DataFrame(
            {
                "run": list(ours["run"]),
                "shots": [str(shots) for shots in ours["shots"]],
                "language": [language_name(code) for code in ours["language"]],
                "mean, %": [percent(value) for value in ours["mean"]],
            }
        ),
    )


def _filled(rows: pd.DataFrame, column: str, shares: list[float]) -> pd.DataFrame:
    fills = [(diverging if column == "difference" else sequential)(share) for share in shares]
    form = signed if column == "difference" else percent
    return rows.assign(
        value=rows[column],
        fill=fills,
        ink=[text_on(fill) for fill in fills],
        printed=[form(value) for value in rows[column]],
        place=[language_name(code) for code in rows["language"]],
    )


def _panel(rows: pd.DataFrame, *, title: str, unit: str) -> Panel:
    texts = [
        f"{row['place']}, {shots_name(row['shots'])}: {row['printed']} {unit} "
        f"({interval(row['low'], row['high'], plus=unit != '%')})"
        for row in rows.to_dict("records")
    ]
    rows = rows.assign(text=texts)
    shots = sorted({int(k) for k in rows["shots"]})
    order = [*sorted(set(rows["language"]) - {AVERAGE}), AVERAGE]
    base = alt.Chart(rows).encode(
        x=alt.X(
            "shots:O",
            sort=shots,
            title="shots",
            axis=alt.Axis(labelAngle=0, ticks=False, domain=False),
        ),
        y=alt.Y(
            "place:N",
            sort=[language_name(code) for code in order],
            title=None,
            axis=alt.Axis(ticks=False, domain=False),
        ),
    )
    cells = base.mark_rect().encode(color=alt.Color("fill:N", scale=None), description="text:N")
    numbers = base.mark_text(aria=False, fontSize=10).encode(
        text="printed:N", color=alt.Color("ink:N", scale=None)
    )
    chart = alt.layer(cells, numbers).properties(
        width=alt.Step(STEP),
        height=alt.Step(ROW),
        title=titled(f"{title} ({unit})"),
        description=title,
    )
    best = rows["text"].iloc[int(rows["value"].argmax())]
    return Panel(chart, f"{title}, by language and shots; the highest: {best}.")
