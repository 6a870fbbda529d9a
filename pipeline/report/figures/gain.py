"""Figure 3: by how much the reference is ahead of the baseline in each language."""

from collections.abc import Iterator
from typing import NamedTuple

import altair as alt
import pandas as pd

from pipeline.evaluation.intervals import shots_of_gain
from pipeline.languages import LANGUAGES
from pipeline.params.grid import Comparison
from pipeline.report.figures.colours import FADED, FAMILIES
from pipeline.report.figures.figure import Figure, Panel, titled
from pipeline.report.figures.words import (
    AVERAGE,
    BOOTSTRAP,
    interval,
    language_and_family,
    language_name,
    shots_name,
    signed,
)


class Scale(NamedTuple):
    """In which unit a gain is drawn."""

    column: str
    unit: str
    axis: str


POINTS = Scale("difference", "points", "gain (percentage points)")
RELATIVE = Scale("relative", "%", "relative gain (% of the baseline's accuracy)")


def gain(differences: pd.DataFrame, paper: pd.DataFrame, comparison: Comparison) -> Figure | None:
    """Draw the gain by language, in points and relative, sorted; the paper's own beside it.

    Args:
        differences: the rows of differences.csv.
        paper: the paper's Table I, percent.
        comparison: names the reference and the baseline.

    Returns:
        None where the two have no cells at the same shots.
    """
    shots = shots_of_gain(differences, baseline=comparison.baseline)
    if shots is None:
        return None
    reference, baseline = comparison.reference, comparison.baseline
    rows = _compared(differences, comparison)
    rows = _described(rows[rows["shots"] == shots])
    panels = [
        _panel(rows, POINTS, title=f"{reference} over {baseline}, {shots_name(shots)}"),
        _panel(rows, RELATIVE, title="the same, relative"),
    ]
    theirs = _paper_gain(paper, comparison, shots=shots)
    printed = ""
    if theirs is not None:
        order = list(rows["language"])
        if set(order) != set(theirs["language"]):
            order.remove(AVERAGE)  # the paper's mean is over its own languages
        theirs = _described(theirs[theirs["language"].isin(order)], order=order)
        panels.append(_panel(theirs, POINTS, title=f"the paper's, {shots_name(shots)} on XNLI"))
        panels.append(_panel(theirs, RELATIVE, title="the paper's, relative"))
        printed = " The paper's panels are worked out from its Table I, which has no intervals."
    return Figure(
        name="figure3",
        title=f"Figure 3: gain of {reference} over {baseline} by language at {shots_name(shots)}",
        caption=(
            f"Languages sorted by gain, with their families. Lines across the bars: {BOOTSTRAP}."
            + printed
        ),
        panels=tuple(panels),
        columns=2,
        source="differences.csv",
        numbers=_numbers(rows),
    )


def _compared(differences: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    ours = differences["run"] == comparison.reference
    return differences[ours & (differences["other"] == comparison.baseline)]


def _described(rows: pd.DataFrame, *, order: list[str] | None = None) -> pd.DataFrame:
    """Sort the languages by gain, or as ordered, the mean last; add what marks are called."""
    if order is None:
        rows = rows.sort_values(["difference", "language"], ascending=[False, True])
        rows = pd.concat([rows[rows["language"] != AVERAGE], rows[rows["language"] == AVERAGE]])
    else:
        rows = rows.set_index("language").loc[[c for c in order if c in set(rows["language"])]]
        rows = rows.reset_index()
    families = [LANGUAGES[c].family if c in LANGUAGES else "" for c in rows["language"]]
    return rows.assign(
        place=[language_and_family(code) for code in rows["language"]],
        fill=[FAMILIES.get(family, FADED) for family in families],
    )


def _paper_gain(paper: pd.DataFrame, comparison: Comparison, *, shots: int) -> pd.DataFrame | None:
    rows = paper[paper["shots"] == shots].set_index("method")
    if not {comparison.reference, comparison.baseline} <= set(rows.index):
        return None
    numbers = rows.drop(columns="shots")
    ours, theirs = numbers.loc[comparison.reference], numbers.loc[comparison.baseline]
    return pd.DataFrame(
        {
            "language": numbers.columns,
            "difference": (ours - theirs).to_numpy(),
            "relative": (100 * (ours / theirs - 1)).to_numpy(),
        }
    )


def _panel(rows: pd.DataFrame, scale: Scale, *, title: str) -> Panel:
    """Bars of one unit; intervals are drawn where they are of this unit."""
    bounded = scale is POINTS and "low" in rows
    texts = list(_texts(rows, scale, bounded=bounded))
    rows = rows.assign(text=texts, printed=[signed(v) for v in rows[scale.column]])
    reach = rows[["low", "high"] if bounded else [scale.column]].to_numpy()
    ends = [min(0.0, float(reach.min())), max(0.0, float(reach.max()))]
    x = alt.X(
        f"{scale.column}:Q",
        title=scale.axis,
        scale=alt.Scale(domain=ends, nice=4),
        axis=alt.Axis(tickCount=4),
    )
    y = alt.Y("place:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False))
    base = alt.Chart(rows).encode(y=y)
    bars = base.mark_bar(height=11).encode(
        x=x, color=alt.Color("fill:N", scale=None), description="text:N"
    )
    layers = [bars, alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(aria=False).encode(x="zero:Q")]
    if bounded:
        layers.append(
            base.mark_rule(strokeWidth=1.5, aria=False).encode(
                x=alt.X("low:Q", title=scale.axis), x2="high:Q"
            )
        )
    width = 190
    layers.append(
        base.mark_text(align="right", aria=False).encode(x=alt.value(width + 34), text="printed:N")
    )
    chart = alt.layer(*layers).properties(
        width=width, height=alt.Step(17), title=titled(title), description=title
    )
    best, least = rows.iloc[0], rows[rows["language"] != AVERAGE].iloc[-1]
    summary = f"{title}: from {best['text']} down to {least['text']}" if len(rows) > 1 else title
    return Panel(chart, f"{summary}.")


def _texts(rows: pd.DataFrame, scale: Scale, *, bounded: bool) -> Iterator[str]:
    for row in rows.to_dict("records"):
        text = f"{row['place']}: {signed(row[scale.column])} {scale.unit}"
        yield f"{text} ({interval(row['low'], row['high'], plus=True)})" if bounded else text


def _numbers(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "language": [language_name(code) for code in rows["language"]],
            "points": [signed(value) for value in rows["difference"]],
            "95 % interval": [
                interval(low, high, plus=True)
                for low, high in zip(rows["low"], rows["high"], strict=True)
            ],
            "relative, %": [signed(value) for value in rows["relative"]],
        }
    )
