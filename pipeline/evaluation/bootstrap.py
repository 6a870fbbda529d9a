"""Intervals by resampling seeds and test pairs, with the same resamples for every run."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.cell_files import Cell
from pipeline.evaluation.cells import Cells

REPLICATES = 2000
"""Resamples; 50 of 2,000 lie below the 2.5th percentile."""

LEVEL = 95.0
"""Percent of the resamples that an interval covers."""

SEED = 20240319
"""Seed of the generator, arbitrary but fixed."""


class Bootstrap:
    """Crossed bootstrap over training seeds and test pairs, B replicates.

    Each replicate draws P test pairs with replacement, each with its rows in all languages
    (translations of one another, which tend to be right or wrong together), and independently n
    of the n seeds; the accuracy is over drawn seeds x drawn pairs. This is the "pigeonhole
    bootstrap" of A. B. Owen (2007), Annals of Applied Statistics 1(2), 386-411,
    doi:10.1214/07-AOAS122. The draws depend only on P and n, so all runs are resampled alike and
    the difference of two runs within a replicate is a paired one.

    It assumes that the pairs and the seeds are random samples of those one asks about. The
    languages are fixed, and so is anything that does not vary between seeds: if all seeds train
    on one k-shot split, the interval does not include the choice of the split. With one seed only
    the pairs vary.

    n = 5 seeds are few: resampling n values understates their variance by (n - 1) / n, and
    percentiles ignore Student's t. If nearly all of the spread is between seeds, a 95 % interval
    over 5 seeds covers the truth in 83 % of cases, over 3 seeds in 75 % (4,000 simulated draws of
    normal seeds); if most of it is between pairs, in nearly 95 %. The paired t over seeds in
    significance.csv keeps its nominal level.
    """

    def __init__(self, cells: Cells, *, replicates: int = REPLICATES, seed: int = SEED) -> None:
        """Draw the test pairs."""
        self._cells, self._replicates, self._seed = cells, replicates, seed
        self._times = _draws(cells.pairs, replicates, np.random.default_rng(seed))
        self._right: dict[Cell, NDArray[np.float32]] = {}

    def accuracies(self, run: str, shots: int, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return the resampled mean accuracy over these seeds, percent, [L + 1, B].

        The last row is the mean over languages. Compare two runs only over the same seeds.
        """
        right = self._by_seed(run, shots, seeds)
        generator = np.random.default_rng([self._seed, len(seeds)])
        weights = _draws(len(seeds), self._replicates, generator)
        counts = np.einsum("slb,sb->lb", right, weights, dtype=np.float64)
        # Integers until the last step: runs that are level differ by exactly 0, not by 1e-15.
        rows = len(seeds) * self._cells.pairs
        average = 100.0 * counts.sum(axis=0) / (rows * len(counts))
        return np.vstack([100.0 * counts / rows, average])

    def _by_seed(self, run: str, shots: int, seeds: Sequence[int]) -> NDArray[np.float32]:
        # Right answers among the drawn pairs, [S, L, B], as one product [S * L, P] x [P, B]. They
        # are integers below 2^24, exact as 32-bit floats, so the order of summation, which
        # differs between machines, does not matter.
        missing = [seed for seed in seeds if (run, shots, seed) not in self._right]
        if missing:
            correct = np.concatenate([self._cells.correct((run, shots, seed)) for seed in missing])
            product = correct.astype(np.float32) @ self._times
            for seed, part in zip(missing, np.split(product, len(missing)), strict=True):
                self._right[run, shots, seed] = part
        return np.stack([self._right[run, shots, seed] for seed in seeds])


def interval(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper ends, [N], of the intervals of N quantities, [N, B]."""
    tail = (100.0 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100.0 - tail], axis=1)
    return low, high


def _draws(size: int, replicates: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return how often each of `size` items is drawn in each replicate, [size, B]."""
    times = np.empty((replicates, size), dtype=np.float32)
    for row in times:
        row[:] = np.bincount(generator.integers(size, size=size), minlength=size)
    return times.T
