"""paper_gap.csv: every number that the paper prints, with ours beside it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.evaluation.files import AVERAGE, PAPER_GAP, languages_of


def paper_gap(
    intervals: pd.DataFrame,
    tables: Mapping[int, pd.DataFrame],
    runs: Mapping[int, Mapping[str, str]],
) -> pd.DataFrame:
    """Set ours beside every number of the paper's tables.

    The paper prints no spread, so the interval of a difference only includes ours. The paper's
    average is over its own languages: it is compared only with one over the same languages.

    Args:
        intervals: the rows of intervals.csv.
        tables: the paper's tables by number, 1 or 2.
        runs: by number of the table, our run for each row of the paper's.

    Returns:
        Columns: table, shots, row (the paper's name), run (ours; missing if there is none),
        language (codes, avg), ours, low, high (percent; missing if it was not run), paper
        (percent, as printed), difference (ours minus the paper's), difference_low,
        difference_high (percentage points).
    """
    rows = [
        (number, int(row["shots"]), name, runs[number].get(name), language, row[language])
        for number, table in tables.items()
        for row in table.to_dict("records")
        for name in [row["method" if number == 1 else "variant"]]
        for language in (*languages_of(table), AVERAGE)
    ]
    frame = pd.DataFrame(rows, columns=["table", "shots", "row", "run", "language", "paper"])
    ours = intervals[["run", "shots", "language", "mean", "low", "high"]]
    ours = ours.rename(columns={"mean": "ours"})
    frame = frame.merge(ours, on=["run", "shots", "language"], how="left", validate="many_to_one")
    for number, table in tables.items():
        if set(ours["language"]) - {AVERAGE} != set(languages_of(table)):
            averages = (frame["table"] == number) & (frame["language"] == AVERAGE)
            frame.loc[averages, ["ours", "low", "high"]] = np.nan
    for column in ("ours", "low", "high"):
        difference = "difference" if column == "ours" else f"difference_{column}"
        frame[difference] = frame[column] - frame["paper"]
    return frame[list(PAPER_GAP.columns)]
