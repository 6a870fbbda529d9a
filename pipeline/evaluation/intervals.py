"""intervals.csv, differences.csv and gain.csv: means and leads with their intervals."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import Bootstrap, interval
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import AVERAGE, DIFFERENCES, GAIN, INTERVALS

PAPER_SHOTS = 32
"""The shots of the paper's Figure 3."""


def intervals(cells: Cells, bootstrap: Bootstrap) -> pd.DataFrame:
    """Return intervals.csv: for every run and shots the mean over seeds, with its spread.

    mean, low and high (the 95 % percentile bootstrap) are percent; std (the sample standard
    deviation over seeds, missing with one) is percentage points.
    """
    rows = []
    for (run, shots), seeds in cells.groups().items():
        by_seed = with_average(cells.accuracies(run, shots, seeds))
        std = by_seed.std(axis=0, ddof=1) if len(seeds) > 1 else np.full(by_seed.shape[1], np.nan)
        low, high = interval(bootstrap.accuracies(run, shots, seeds))
        columns = (*cells.languages, AVERAGE), by_seed.mean(axis=0), std, low, high
        rows += [(run, shots, code, len(seeds), *of) for code, *of in zip(*columns, strict=True)]
    return INTERVALS.frame(rows)


def differences(cells: Cells, bootstrap: Bootstrap, *, reference: str) -> pd.DataFrame:
    """Return differences.csv: the reference against every other run, on the seeds they share.

    Both runs are resampled alike (see Bootstrap), so pairs that are hard or easy for both do not
    widen the interval. The difference and its interval (low, high) are percentage points.
    relative is the percentage by which the reference leads, 100 * (run / other - 1); it is
    missing if the other run has no right answer.
    """
    rows = []
    for other, shots in cells.groups():
        seeds = cells.common_seeds(reference, other, shots=shots)
        if other == reference or not seeds:
            continue
        pair = (reference, other)
        accuracies = [with_average(cells.accuracies(run, shots, seeds)) for run in pair]
        ours, theirs = (by_seed.mean(axis=0) for by_seed in accuracies)
        resampled = [bootstrap.accuracies(run, shots, seeds) for run in pair]
        low, high = interval(resampled[0] - resampled[1])
        relative = 100.0 * (ours / np.where(theirs > 0, theirs, np.nan) - 1.0)
        columns = (*cells.languages, AVERAGE), ours - theirs, low, high, relative
        rows += [(*pair, shots, code, len(seeds), *of) for code, *of in zip(*columns, strict=True)]
    return DIFFERENCES.frame(rows)


def gain(differences: pd.DataFrame, *, baseline: str) -> pd.DataFrame:
    """Return gain.csv, the data of Figure 3: the rows of differences.csv by language."""
    rows = differences[(differences["other"] == baseline) & (differences["language"] != AVERAGE)]
    at = rows["shots"] == shots_of_gain(differences, baseline=baseline)
    return rows.loc[at, list(GAIN.columns)].reset_index(drop=True)


def shots_of_gain(differences: pd.DataFrame, *, baseline: str) -> int | None:
    """Return the shots of Figure 3: the paper's if both runs have them, else the largest.

    It is None if reference and baseline have no cells at the same shots.
    """
    shots = set(differences.loc[differences["other"] == baseline, "shots"])
    return PAPER_SHOTS if PAPER_SHOTS in shots else max(map(int, shots), default=None)


def with_average(accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Append to accuracies by language, [S, L], their mean: [S, L + 1]."""
    return np.column_stack([accuracies, accuracies.mean(axis=1)])
