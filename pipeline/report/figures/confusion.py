"""Which label is taken for which, in each language."""

import altair as alt
import pandas as pd

from pipeline.params.runs import LABELS
from pipeline.report.figures.colours import sequential, text_on
from pipeline.report.figures.figure import Figure, Panel, titled
from pipeline.report.figures.words import language_name, percent, shots_name

STEP = 27
INITIALS = {label: label[0].upper() for label in LABELS}


def confusion(rows: pd.DataFrame, *, run: str, shots: int) -> Figure | None:
    """Draw a small matrix for each language: gold labels down, predicted ones across.

    Args:
        rows: the rows of confusion.csv.
        run: the run that is shown.
        shots: the shots that are shown.

    Returns:
        None where the run has no cells at these shots.
    """
    ours = rows[(rows["run"] == run) & (rows["shots"] == shots)]
    if ours.empty:
        return None
    panels = [_panel(part, str(code)) for code, part in ours.groupby("language", observed=True)]
    letters = ", ".join(f"{letter} {label}" for label, letter in INITIALS.items())
    return Figure(
        name="confusion",
        title=f"What {run} takes for what at {shots_name(shots)}",
        caption=(
            "Rows: the gold label; columns: the predicted one; numbers: percent of the gold "
            f"label's pairs, mean over seeds, so that a row adds up to 100. {letters}. Darker is "
            "more; right answers lie on the diagonal from top left."
        ),
        panels=tuple(panels),
        columns=5,
        source="confusion.csv",
        numbers=_numbers(ours),
    )


def _panel(rows: pd.DataFrame, code: str) -> Panel:
    name = language_name(code)
    fills = [sequential(value / 100) for value in rows["percent"]]
    rows = rows.assign(
        fill=fills,
        ink=[text_on(fill) for fill in fills],
        printed=[f"{value:.0f}" for value in rows["percent"]],
        gold=[INITIALS[label] for label in rows["label"]],
        taken=[INITIALS[label] for label in rows["predicted"]],
        text=[
            f"{name}: {value:.1f} % of {label} predicted as {predicted}"
            for label, predicted, value in zip(
                rows["label"], rows["predicted"], rows["percent"], strict=True
            )
        ],
    )
    order = list(INITIALS.values())
    plain = {"ticks": False, "domain": False}
    base = alt.Chart(rows).encode(
        x=alt.X("taken:N", sort=order, title="predicted (%)", axis=alt.Axis(labelAngle=0, **plain)),
        y=alt.Y("gold:N", sort=order, title="gold", axis=alt.Axis(**plain)),
    )
    cells = base.mark_rect().encode(color=alt.Color("fill:N", scale=None), description="text:N")
    numbers = base.mark_text(aria=False).encode(
        text="printed:N", color=alt.Color("ink:N", scale=None)
    )
    right = rows.loc[rows["label"] == rows["predicted"], "text"]
    chart = alt.layer(cells, numbers).properties(
        width=alt.Step(STEP), height=alt.Step(STEP), title=titled(name), description=name
    )
    return Panel(chart, f"{'; '.join(right)}.")


def _numbers(rows: pd.DataFrame) -> pd.DataFrame:
    order = [(code, label) for code in sorted(set(rows["language"])) for label in LABELS]
    wide = rows.pivot(index=["language", "label"], columns="predicted", values="percent")
    wide = wide.reindex(index=order, columns=list(LABELS)).reset_index()
    printed = {
        f"{INITIALS[label]}, %": [percent(value) for value in wide[label]] for label in LABELS
    }
    names = [language_name(str(code)) for code in wide["language"]]
    return pd.DataFrame({"language": names, "gold": list(wide["label"]), **printed})
