"""Intervals by resampling seeds and test pairs, the same resamples for every run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.cells import Cell, Cells

REPLICATES = 2000
"""Resamples; of 2,000 the 2.5th percentile has 50 values below it."""

LEVEL = 95.0
"""Percent of the resamples that an interval holds."""

SEED = 20240319
"""Of the generator; any number does, as long as it stays."""


class Bootstrap:
    """Crossed bootstrap over training seeds and test pairs, B replicates.

    In each replicate P test pairs are drawn with replacement, each with its rows in all
    languages (they are translations of one another, right or wrong together), and, apart from
    that, n of the n seeds; the accuracy is then taken over drawn seeds x drawn pairs. It is the
    "pigeonhole bootstrap" of A. B. Owen (2007), Annals of Applied Statistics 1(2), 386-411,
    doi:10.1214/07-AOAS122. The draws depend on P and n alone: all runs are resampled alike, so
    that the difference of two in a replicate is that of a pair.

    It assumes that the pairs are a random sample of the pairs one asks about, and the seeds of
    the seeds. The languages are fixed, and so is what does not vary between seeds: where all
    seeds train on one k-shot split, the interval says nothing of another split. With one seed
    the pairs alone vary.

    n = 5 seeds are few: resampling n values understates their variance by (n - 1) / n, and
    percentiles know nothing of Student's t. Where the seeds make up nearly all of the spread, a
    95 % interval over 5 seeds covers the truth in 83 % of cases, over 3 seeds in 75 % (4,000
    simulated draws of normal seeds); where the pairs make up most of it, nearly 95 %. The paired
    t over seeds in significance.csv has its nominal level there.

    Attributes:
        languages: L, the number of languages.
    """

    def __init__(self, cells: Cells, *, replicates: int = REPLICATES, seed: int = SEED) -> None:
        """Draw the pairs.

        Args:
            cells: the predictions.
            replicates: B.
            seed: of the generator.
        """
        self._cells, self._replicates, self._seed = cells, replicates, seed
        self._times = _draws(cells.pairs, replicates, np.random.default_rng(seed))
        self._right: dict[Cell, NDArray[np.float32]] = {}
        self.languages = len(cells.languages)

    def accuracies(self, run: str, shots: int, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return the resampled mean accuracy over these seeds.

        Args:
            run: the run.
            shots: its number of shots.
            seeds: the seeds, ascending: runs that are to be compared need the same.

        Returns:
            Percent in each language, and last the mean over languages, [L + 1, B].
        """
        right = self._by_seed(run, shots, seeds)
        weights = _draws(
            len(seeds), self._replicates, np.random.default_rng([self._seed, len(seeds)])
        )
        counts = np.einsum("slb,sb->lb", right, weights, dtype=np.float64)
        # Whole numbers up to the last step: runs that are level differ by 0, not by some 1e-15.
        rows = len(seeds) * self._cells.pairs
        average = 100.0 * counts.sum(axis=0) / (rows * self.languages)
        return np.vstack([100.0 * counts / rows, average])

    def _by_seed(self, run: str, shots: int, seeds: Sequence[int]) -> NDArray[np.float32]:
        # Right answers among the drawn pairs, [S, L, B], as one product [S * L, P] x [P, B].
        # The numbers are whole and below 2^24, so floats of 32 bits hold them exactly and the
        # order of summation, which differs between machines, makes no difference.
        missing = [seed for seed in seeds if (run, shots, seed) not in self._right]
        if missing:
            correct = np.concatenate([self._cells.correct((run, shots, seed)) for seed in missing])
            product = correct.astype(np.float32) @ self._times
            for seed, part in zip(missing, np.split(product, len(missing)), strict=True):
                self._right[run, shots, seed] = part
        return np.stack([self._right[run, shots, seed] for seed in seeds])


def interval(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper end of the percentile intervals of rows of replicates.

    Args:
        values: one row a quantity, [N, B].
    """
    tail = (100.0 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100.0 - tail], axis=1)
    return low, high


def _draws(size: int, replicates: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return how often each of `size` things is drawn in each replicate, [size, B]."""
    times = np.empty((replicates, size), dtype=np.float32)
    for row in times:
        row[:] = np.bincount(generator.integers(size, size=size), minlength=size)
    return times.T
