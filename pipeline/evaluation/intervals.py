"""intervals.csv, differences.csv and gain.csv: every run, and runs against another, +/- what."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import Bootstrap, interval
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.tables import AVERAGE

INTERVALS = ("run", "shots", "language", "seeds", "mean", "std", "low", "high")
DIFFERENCES = (
    "run",
    "other",
    "shots",
    "language",
    "seeds",
    "difference",
    "low",
    "high",
    "relative",
)

PAPER_SHOTS = 32
"""The shots of the paper's Figure 3."""


def intervals(cells: Cells, bootstrap: Bootstrap) -> pd.DataFrame:
    """Return intervals.csv: for every run and shots the mean over seeds and how sure it is.

    Returns:
        Columns: run, shots, language (the codes, then "avg", the mean over them), seeds (their
        number), mean (percent), std (the sample standard deviation over seeds, percentage
        points; missing with one seed), low, high (95 % percentile bootstrap, percent).
    """
    rows = []
    for (run, shots), seeds in cells.groups().items():
        ours = accuracies(cells, run, shots, seeds)
        std = ours.std(axis=0, ddof=1) if len(seeds) > 1 else np.full(ours.shape[1], np.nan)
        low, high = interval(bootstrap.accuracies(run, shots, seeds))
        columns = (*cells.languages, AVERAGE), ours.mean(axis=0), std, low, high
        rows += [(run, shots, row[0], len(seeds), *row[1:]) for row in zip(*columns, strict=True)]
    return pd.DataFrame(rows, columns=pd.Index(INTERVALS))


def differences(cells: Cells, bootstrap: Bootstrap, *, reference: str) -> pd.DataFrame:
    """Return differences.csv: the reference against every other run, on the seeds of both.

    Both runs are resampled alike (see Bootstrap), so what is hard or easy for both does not
    widen the interval.

    Returns:
        Columns: run (the reference), other, shots, language (the codes, then "avg"), seeds (the
        number that both have), difference (run minus other), low, high (its 95 % percentile
        bootstrap; percentage points), relative (percent by which run is ahead of other:
        100 * (run / other - 1); missing where other has nothing right). No rows where the
        reference has no cells.
    """
    rows = []
    for run, shots in cells.groups():
        seeds = cells.common_seeds(reference, run, shots=shots)
        if run == reference or not seeds:
            continue
        first, second = (accuracies(cells, one, shots, seeds) for one in (reference, run))
        ours, theirs = first.mean(axis=0), second.mean(axis=0)
        resampled = (bootstrap.accuracies(one, shots, seeds) for one in (reference, run))
        low, high = interval(next(resampled) - next(resampled))
        relative = 100.0 * (ours / np.where(theirs > 0, theirs, np.nan) - 1.0)
        columns = (*cells.languages, AVERAGE), ours - theirs, low, high, relative
        rows += [
            (reference, run, shots, row[0], len(seeds), *row[1:])
            for row in zip(*columns, strict=True)
        ]
    return pd.DataFrame(rows, columns=pd.Index(DIFFERENCES))


def gain(differences: pd.DataFrame, *, baseline: str) -> pd.DataFrame:
    """Return gain.csv, the data of Figure 3: how far the reference is ahead of the baseline.

    Args:
        differences: the rows of differences.csv.
        baseline: the run that the gain is over.

    Returns:
        Columns: shots (the paper's where both runs have them, otherwise the largest), language
        (without the average), difference, low, high (points), relative (percent). No rows where
        the two have no cells at the same shots.
    """
    rows = differences[(differences["other"] == baseline) & (differences["language"] != AVERAGE)]
    columns = ["shots", "language", "difference", "low", "high", "relative"]
    at = rows["shots"] == shots_of_gain(differences, baseline=baseline)
    return rows.loc[at, columns].reset_index(drop=True)


def shots_of_gain(differences: pd.DataFrame, *, baseline: str) -> int | None:
    """Return the paper's shots where both runs have them, otherwise the largest; None of none.

    Args:
        differences: the rows of differences.csv.
        baseline: the run that the gain is over.
    """
    shots = differences.loc[differences["other"] == baseline, "shots"]
    if PAPER_SHOTS in set(shots):
        return PAPER_SHOTS
    return int(shots.max()) if len(shots) else None


def accuracies(cells: Cells, run: str, shots: int, seeds: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the accuracies by seed and language, and last their mean; percent, [S, L + 1]."""
    found = np.stack([cells.accuracy((run, shots, seed)) for seed in seeds])
    return np.column_stack([found, found.mean(axis=1)])
