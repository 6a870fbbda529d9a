"""significance.csv: the reference against each other run, at every number of shots."""

from collections.abc import Iterator, Mapping

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
from pipeline.params.grid import Grid

PAPER_TEST = "paper_independent_t_16_columns"
SEEDS_TEST = "paired_t_seeds"
MCNEMAR = "mcnemar_clustered"

COLUMNS = (
    "family",
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


def significance(cells: Cells, blocks: Mapping[str, Grid], *, reference: str) -> pd.DataFrame:
    """Compare the reference with every other run, one row a test.

    `p_holm` is Holm's correction within each family and test over all its comparisons (all shots
    x other runs) that have a p-value. The paper's test has none: it is there to be set beside
    the paper's uncorrected p-values.

    Args:
        cells: the predictions.
        blocks: the families of comparisons: the blocks of params.yaml that name cells.
        reference: the run that the others are compared with.

    Returns:
        Columns: family (the block that names the other run), shots, run (the reference), other,
        test (see `compare`), statistic (t or chi-square), df, n (numbers a row, seeds, languages
        or test pairs), difference (run minus other, percentage points), p_value (two-sided),
        p_holm, note. Where the two have no seed in common at some shots there are no rows.
    """
    rows = []
    for family, grid in blocks.items():
        for shots in grid.shots:
            for other in grid.runs:
                if other == reference:
                    continue
                for test, outcome in compare(cells, reference, other, shots=shots).items():
                    names = {"family": family, "shots": shots, "run": reference, "other": other}
                    rows.append(names | {"test": test} | vars(outcome))
    frame = pd.DataFrame(rows, columns=pd.Index([c for c in COLUMNS if c != "p_holm"]))
    frame["p_holm"] = _corrected(frame)
    return frame[list(COLUMNS)]


def compare(cells: Cells, run: str, other: str, *, shots: int) -> dict[str, Outcome]:
    """Test the difference of two runs over the seeds that both have.

    Returns:
        By name: `paper_independent_t_16_columns` (the paper's test); `paired_t_seeds`, on the
        mean over languages of each seed; `paired_t_languages`, on the mean over seeds of each
        language; `mcnemar_clustered`, on the predictions, pairs as clusters over languages and
        seeds. Nothing without a common seed.
    """
    seeds = cells.common_seeds(run, other, shots=shots)
    return dict(_tests(cells, (run, other), shots=shots, seeds=seeds)) if seeds else {}


def _tests(
    cells: Cells, runs: tuple[str, str], *, shots: int, seeds: tuple[int, ...]
) -> Iterator[tuple[str, Outcome]]:
    # Accuracies by seed and language, [S, L].
    ours, theirs = (
        np.stack([cells.accuracy((run, shots, seed)) for seed in seeds]) for run in runs
    )
    by_language = ours.mean(axis=0), theirs.mean(axis=0)
    rows_of_16 = (np.append(row, row.mean()) for row in by_language)
    yield PAPER_TEST, paper_independent_t_16_columns(*rows_of_16)
    yield SEEDS_TEST, paired_t(ours.mean(axis=1), theirs.mean(axis=1), over="seeds")
    yield (
        "paired_t_languages",
        paired_t(
            *by_language,
            over="languages",
            note="languages share the models and the test pairs: says how even the gain is",
        ),
    )
    discordance = np.zeros(cells.label.shape, dtype=np.int64)
    for seed in seeds:
        discordance += cells.correct((runs[0], shots, seed))
        discordance -= cells.correct((runs[1], shots, seed))
    yield MCNEMAR, mcnemar_clustered(discordance.sum(axis=0), rows=discordance.size * len(seeds))


def _corrected(frame: pd.DataFrame) -> pd.Series:
    corrected = pd.Series(np.nan, index=frame.index, dtype=np.float64)
    for (_, test), rows in frame.groupby(["family", "test"], sort=False):
        if test != PAPER_TEST:
            corrected[rows.index] = holm_of(rows["p_value"])
    return corrected


def holm_of(p_values: pd.Series) -> pd.Series:
    """Return Holm's correction of a column of p-values, missing ones left out."""
    known = [None if pd.isna(p) else float(p) for p in p_values]
    return pd.Series(holm(known), index=p_values.index, dtype=np.float64)
