"""How the test pairs of each label are classified, in each language."""

import altair as alt
import pandas as pd

from pipeline.evaluation.words import DASH, counted, percent
from pipeline.params.runs import ANSWERS, LABELS
from pipeline.report.figures.colours import sequential
from pipeline.report.figures.figure import BARE, Figure, Panel, finished, tiles
from pipeline.report.text import language_name

STEP = 27
INITIALS = {**{label: label[0].upper() for label in LABELS}, ANSWERS[-1]: DASH}


def confusion(rows: pd.DataFrame, *, run: str, shots: int) -> Figure | None:
    """Draw a small matrix per language from confusion.csv: gold labels down, predicted across.

    It is None if the run has no cells at these shots.
    """
    ours = rows[(rows["run"] == run) & (rows["shots"] == shots)]
    if ours.empty:
        return None
    initials = {answer: INITIALS[answer] for answer in ANSWERS if answer in set(ours["predicted"])}
    letters = ", ".join(f"{letter} {answer}" for answer, letter in initials.items())
    wide = ours.pivot(index=["language", "label"], columns="predicted", values="percent")
    order = [(code, label) for code in sorted(set(ours["language"])) for label in LABELS]
    wide = wide.reindex(index=order, columns=list(initials)).map(percent).reset_index()
    numbers = {
        "language": wide["language"].map(language_name),
        "gold": wide["label"],
        **{f"{letter}, %": wide[answer] for answer, letter in initials.items()},
    }
    return Figure(
        name="confusion",
        title=f"How {run} classifies the test pairs at {counted(shots, 'shot')}",
        caption=(
            "Rows: the gold label; columns: the predicted one; numbers: percent of the gold "
            f"label's pairs, mean over seeds, so each row adds up to 100. {letters}. Darker is "
            "more; right answers are on the diagonal from the top left."
        ),
        panels=tuple(_panel(of, str(code)) for code, of in ours.groupby("language")),
        columns=5,
        source="confusion.csv",
        numbers=pd.DataFrame(numbers),
    )


def _panel(rows: pd.DataFrame, code: str) -> Panel:
    name = language_name(code)
    rows = rows.assign(
        fill=[sequential(value / 100) for value in rows["percent"]],
        printed=[f"{value:.0f}" for value in rows["percent"]],
        gold=rows["label"].map(INITIALS),
        taken=rows["predicted"].map(INITIALS),
        text=[
            f"{name}: {row['percent']:.1f} % of {row['label']} predicted as {row['predicted']}"
            for row in rows.to_dict("records")
        ],
    )
    order = list(INITIALS.values())
    axis = alt.Axis(labelAngle=0, ticks=False, domain=False)
    x = alt.X("taken:N", sort=order, title="predicted (%)", axis=axis)
    y = alt.Y("gold:N", sort=order, title="gold", axis=BARE)
    chart = finished(tiles(rows, x, y), name, width=alt.Step(STEP), height=alt.Step(STEP))
    right = rows.loc[rows["label"] == rows["predicted"], "text"]
    return Panel(chart, f"{'; '.join(right)}.")
