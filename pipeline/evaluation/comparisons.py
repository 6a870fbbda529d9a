"""significance.csv: MPT against each other run of the grid, at every number of shots."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pipeline.evaluation.cells import Cells
from pipeline.evaluation.significance import (
    Outcome,
    holm,
    mcnemar_clustered,
    paired_t,
    paper_independent_t_16_columns,
)
from pipeline.runs import Grid

REFERENCE = "mpt"
PAPER_TEST = "paper_independent_t_16_columns"

COLUMNS = (
    "shots",
    "run",
    "other",
    "test",
    "statistic",
    "df",
    "n",
    "difference",
    "p_value",
    "p_holm",
    "note",
)


def significance(cells: Cells, grid: Grid) -> pd.DataFrame:
    """Compare MPT with every other run of the grid, one row a test.

    The tests: `paper_independent_t_16_columns` (the paper's); `paired_t_seeds`, on the mean over
    languages of each seed; `paired_t_languages`, on the mean over seeds of each language;
    `mcnemar_clustered`, on the predictions, pairs as clusters over languages and seeds.

    `p_holm` is Holm's correction within each test over all its comparisons (all shots x other
    runs) that have a p-value. The paper's test has none: it is there to be set beside the
    paper's uncorrected p-values.

    Returns:
        Columns: shots, run ("mpt"), other, test, statistic (t or chi-square), df, n (numbers a
        row, seeds, languages or test pairs), difference (run minus other, percentage points),
        p_value (two-sided), p_holm, note. Without a run "mpt" in the grid there are no rows.
    """
    others = [run for run in grid.runs if run != REFERENCE]
    rows = []
    if REFERENCE in grid.runs:
        for shots in grid.shots:
            for other in others:
                for test, outcome in _tests(cells, grid, shots=shots, other=other):
                    rows.append(
                        {"shots": shots, "run": REFERENCE, "other": other, "test": test}
                        | vars(outcome)
                    )
    frame = pd.DataFrame(rows, columns=pd.Index([c for c in COLUMNS if c != "p_holm"]))
    frame["p_holm"] = _corrected(frame)
    return frame[list(COLUMNS)]


def _tests(cells: Cells, grid: Grid, *, shots: int, other: str) -> Iterator[tuple[str, Outcome]]:
    # Accuracies by seed and language, [S, L].
    ours, theirs = (
        np.stack([cells.accuracy((run, shots, seed)) for seed in grid.seeds])
        for run in (REFERENCE, other)
    )
    by_language = ours.mean(axis=0), theirs.mean(axis=0)
    rows_of_16 = (np.append(row, row.mean()) for row in by_language)
    yield PAPER_TEST, paper_independent_t_16_columns(*rows_of_16)
    yield "paired_t_seeds", paired_t(ours.mean(axis=1), theirs.mean(axis=1), over="seeds")
    yield (
        "paired_t_languages",
        paired_t(
            *by_language,
            over="languages",
            note="languages share the models and the test pairs: says how even the gain is",
        ),
    )
    discordance = np.zeros(len(cells.pair), dtype=np.int64)
    for seed in grid.seeds:
        discordance += cells.correct[REFERENCE, shots, seed]
        discordance -= cells.correct[other, shots, seed]
    # Weights are floats to bincount, exact for counts of this size.
    by_pair = np.bincount(cells.pair, weights=discordance, minlength=cells.pairs)
    yield (
        "mcnemar_clustered",
        mcnemar_clustered(by_pair, rows=len(cells.pair) * len(grid.seeds)),
    )


def _corrected(frame: pd.DataFrame) -> pd.Series:
    corrected = pd.Series(np.nan, index=frame.index, dtype=np.float64)
    for test, rows in frame.groupby("test", sort=False):
        if test != PAPER_TEST:
            p_values = [None if pd.isna(p) else float(p) for p in rows["p_value"]]
            corrected[rows.index] = pd.Series(holm(p_values), index=rows.index, dtype=np.float64)
    return corrected
