"""Figure 3: by how much the reference is ahead of the baseline in each language."""

from typing import NamedTuple

import altair as alt
import pandas as pd

from pipeline.evaluation.files import AVERAGE
from pipeline.evaluation.intervals import shots_of_gain
from pipeline.evaluation.words import BOOTSTRAP, counted, signed
from pipeline.languages import LANGUAGES
from pipeline.params.grid import Comparison
from pipeline.report.figures.colours import FADED, FAMILIES
from pipeline.report.figures.figure import BARS_WIDTH, Figure, Panel, bars, bounds, finished
from pipeline.report.text import language_and_family, language_name


class Scale(NamedTuple):
    """The unit of a panel."""

    column: str
    unit: str
    axis: str


POINTS = Scale("difference", "points", "gain (percentage points)")
RELATIVE = Scale("relative", "%", "relative gain (% of the baseline's accuracy)")


def gain(
    differences: pd.DataFrame, paper: pd.DataFrame, comparison: Comparison, *, beside: str
) -> Figure | None:
    """Draw the gain by language, in points and relative, sorted; the paper's own beside it.

    Args:
        differences: the rows of differences.csv.
        paper: the paper's Table I, percent.
        comparison: the reference and the baseline; None is drawn if they share no shots.
        beside: what the caption says of the paper's panels beside ours.
    """
    shots = shots_of_gain(differences, baseline=comparison.baseline)
    if shots is None:
        return None
    reference, baseline, at = comparison.reference, comparison.baseline, counted(shots, "shot")
    rows = differences[(differences["other"] == baseline) & (differences["shots"] == shots)]
    rows = rows.sort_values(["difference", "language"], ascending=[False, True])
    rows = _described(
        pd.concat([rows[rows["language"] != AVERAGE], rows[rows["language"] == AVERAGE]])
    )
    panels = [
        _panel(rows, POINTS, title=f"{reference} over {baseline}, {at}"),
        _panel(rows.drop(columns=["low", "high"]), RELATIVE, title="the same, relative"),
    ]
    caption = f"Languages sorted by gain, with their families. Lines across the bars: {BOOTSTRAP}."
    printed = paper[paper["shots"] == shots].set_index("method").drop(columns="shots").T.dropna()
    if {reference, baseline} <= set(printed.columns) and len(printed):
        theirs = _papers(printed[reference], printed[baseline], list(rows["language"]))
        panels.append(_panel(theirs, POINTS, title=f"the paper's, {at} on XNLI"))
        panels.append(_panel(theirs, RELATIVE, title="the paper's, relative"))
        caption += (
            f" The paper's panels are computed from its Table I, which has no intervals. {beside}"
        )
    return Figure(
        name="figure3",
        title=f"Figure 3: gain of {reference} over {baseline} by language at {at}",
        caption=caption,
        panels=tuple(panels),
        columns=2,
        source="differences.csv",
        numbers=pd.DataFrame(
            {
                "language": rows["language"].map(language_name),
                "points": rows["difference"].map(signed),
                "95 % interval": bounds(rows, signed),
                "relative, %": rows["relative"].map(signed),
            }
        ),
    )


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the labels and colours of the bars."""
    families = [LANGUAGES[c].family if c in LANGUAGES else "" for c in rows["language"]]
    return rows.assign(
        name=rows["language"].map(language_and_family),
        fill=[FAMILIES.get(family, FADED) for family in families],
    )


def _papers(ours: pd.Series, theirs: pd.Series, order: list[str]) -> pd.DataFrame:
    """Return the paper's gain by language, in this order as far as it has them."""
    gains = pd.DataFrame({"difference": ours - theirs, "relative": 100 * (ours / theirs - 1)})
    gains = gains.loc[[code for code in order if code in gains.index]]
    return _described(gains.rename_axis("language").reset_index())


def _panel(rows: pd.DataFrame, scale: Scale, *, title: str) -> Panel:
    """Return bars in one unit, with intervals if `rows` have them in this unit."""
    printed = rows[scale.column].map(signed)
    texts = rows["name"] + ": " + printed + f" {scale.unit}"
    reach = rows[scale.column]
    if "low" in rows:
        texts += [f" ({bound})" for bound in bounds(rows, signed)]
        reach = pd.concat([rows["low"], rows["high"]])
    rows = rows.assign(text=texts, printed=printed)
    ends = alt.Scale(domain=[min(0.0, reach.min()), max(0.0, reach.max())], nice=4)
    axis = alt.Axis(tickCount=4)
    x = alt.X(f"{scale.column}:Q", title=scale.axis, scale=ends, axis=axis)
    layers = bars(rows, x, scale.axis, height=11, room=34)
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(aria=False).encode(x="zero:Q")
    chart = finished([layers[0], zero, *layers[1:]], title, width=BARS_WIDTH, height=alt.Step(17))
    best, least = rows.iloc[0], rows[rows["language"] != AVERAGE].iloc[-1]
    summary = f"{title}: from {best['text']} down to {least['text']}" if len(rows) > 1 else title
    return Panel(chart, f"{summary}.")
