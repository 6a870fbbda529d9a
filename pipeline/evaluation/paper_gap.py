"""paper_gap.csv: every number that the paper prints, ours beside it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.evaluation.tables import AVERAGE, languages_of

COLUMNS = (
    "table",
    "shots",
    "row",
    "run",
    "language",
    "ours",
    "low",
    "high",
    "paper",
    "difference",
    "difference_low",
    "difference_high",
)
_ROW_NAMES = {1: "method", 2: "variant"}


def paper_gap(
    intervals: pd.DataFrame,
    tables: Mapping[int, pd.DataFrame],
    runs: Mapping[int, Mapping[str, str]],
) -> pd.DataFrame:
    """Set ours beside every number of the paper's tables.

    The paper prints no spread, so the interval of a difference is that of ours alone. The
    paper's average is over its own languages: ours stands beside it only where it is over the
    same.

    Args:
        intervals: the rows of intervals.csv.
        tables: the paper's tables by number (1 or 2).
        runs: by number of the table, which of our runs is which row of the paper's.

    Returns:
        Columns: table, shots, row (the paper's name), run (ours; missing where no run stands
        for the row), language (codes, avg), ours, low, high (percent; missing where it was not
        run), paper (percent, as printed), difference (ours minus the paper's), difference_low,
        difference_high (percentage points).
    """
    rows = [
        (number, int(row["shots"]), row[name], runs[number].get(row[name]), column, row[column])
        for number, table in tables.items()
        for name in [_ROW_NAMES[number]]
        for row in table.to_dict("records")
        for column in (*languages_of(table), AVERAGE)
    ]
    frame = pd.DataFrame(rows, columns=["table", "shots", "row", "run", "language", "paper"])
    own = intervals.rename(columns={"mean": "ours"})
    own = own[["run", "shots", "language", "ours", "low", "high"]]
    frame = frame.merge(own, on=["run", "shots", "language"], how="left", validate="many_to_one")
    for number, table in tables.items():
        if set(own["language"]) - {AVERAGE} != set(languages_of(table)):
            averages = (frame["table"] == number) & (frame["language"] == AVERAGE)
            frame.loc[averages, ["ours", "low", "high"]] = np.nan
    frame["difference"] = frame["ours"] - frame["paper"]
    frame["difference_low"] = frame["low"] - frame["paper"]
    frame["difference_high"] = frame["high"] - frame["paper"]
    return frame[list(COLUMNS)]
