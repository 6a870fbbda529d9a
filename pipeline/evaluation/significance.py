"""Tests of the difference between two runs: the paper's, and sound ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

# Below this many clusters that differ, the chi-square of McNemar's test is a rough guide only
# (the usual rule for its discordant pairs).
FEW_DISCORDANT = 25


@dataclass(frozen=True)
class Outcome:
    """What one test found.

    Attributes:
        statistic: t, or chi-square; None where it cannot be computed.
        df: its degrees of freedom.
        n: observations: numbers in a row, seeds, languages, or test pairs.
        difference: the first run minus the second, percentage points.
        p_value: two-sided; None where it cannot be computed.
        note: why there is no p-value, or what to keep in mind about it.
    """

    statistic: float | None
    df: int
    n: int
    difference: float
    p_value: float | None
    note: str = ""


def paper_independent_t_16_columns(first: ArrayLike, second: ArrayLike) -> Outcome:
    """Test as in Table II of the paper: independent, two-tailed, equal variances.

    The two samples are two printed rows of 16 numbers: the 15 languages and the Avg. column
    (found by recomputation; the paper says "two-tailed t-tests" and no more). It is reproduced to
    stand beside the paper's p-values and is not sound: it counts the average as a sixteenth
    observation and treats one language under two methods as unrelated, so the spread between
    languages hides the difference between methods. It is therefore left out of Holm's correction.

    Args:
        first: accuracies of one run by language, and their mean; percent, [L + 1].
        second: the same of the other run.
    """
    one, two = _same_length(first, second)
    n, difference = len(one), float(one.mean() - two.mean())
    note = "the paper's test, not a sound one; not in Holm's correction"
    unmade = Outcome(None, 2 * n - 2, n, difference, None)
    if n < 2:
        return replace(unmade, note="not computed: one number a row")
    if _is_constant(one) and _is_constant(two):
        return replace(unmade, note="not computed: the numbers of each row are the same")
    error = np.sqrt((one.var(ddof=1) + two.var(ddof=1)) / n)
    return _t_outcome(difference / float(error), unmade, note)


def paired_t(first: ArrayLike, second: ArrayLike, *, over: str, note: str = "") -> Outcome:
    """Test two runs on the same seeds, or in the same languages: Student's paired t, two-tailed.

    Args:
        first: accuracies of one run, percent, [N].
        second: those of the other run, in the same order.
        over: the plural of what is paired, for the note ("seeds", "languages").
        note: what to keep in mind about the p-value.
    """
    one, two = _same_length(first, second)
    differences = one - two
    n, difference = len(differences), float(differences.mean())
    unmade = Outcome(None, n - 1, n, difference, None)
    if n < 2:
        return replace(unmade, note=f"not computed: needs two {over}, there is one")
    if _is_constant(differences):
        return replace(unmade, note=f"not computed: the difference is the same for all {over}")
    error = float(differences.std(ddof=1) / np.sqrt(n))
    return _t_outcome(difference / error, unmade, note)


def mcnemar_clustered(discordance: ArrayLike, *, rows: int) -> Outcome:
    """McNemar's test with the test pairs as clusters: chi2 = (sum d_k)^2 / sum d_k^2, df = 1.

    d_k = b_k - c_k, where b_k counts the rows of pair k (over languages and seeds) that the first
    run alone gets right, and c_k those that the second alone gets right. The rows of a pair are
    translations of the same two sentences, judged by models of one kind: they are right or wrong
    together, and McNemar's own test on all rows would count each pair up to 15 times a seed.
    With one row a pair the statistic is McNemar's (b - c)^2 / (b + c), without continuity
    correction. With clusters of one size, as here, it is that of V. L. Durkalski, Y. Y. Palesch,
    S. R. Lipsitz and P. F. Rust (2003), "Analysis of clustered matched-pair data", Statistics in
    Medicine 22(15), doi:10.1002/sim.1438.

    The test speaks about new test pairs for these trained models. Whether another seed would
    train models that differ likewise is what the paired t-test over seeds asks.

    Args:
        discordance: d_k of every test pair, zeros included, [K].
        rows: the number of rows compared, languages x seeds x pairs, for the difference.
    """
    d = np.asarray(discordance, dtype=np.float64)
    total, squares = float(d.sum()), float((d**2).sum())
    unmade = Outcome(None, 1, len(d), 100.0 * total / rows, None)
    discordant = int(np.count_nonzero(d))
    if not discordant:
        return replace(unmade, note="not computed: no test pair on which the runs differ")
    note = "for these trained models and new test pairs, not for new seeds"
    if discordant < FEW_DISCORDANT:
        note = f"only {discordant} pairs differ, so the chi-square is rough; {note}"
    chi2 = total**2 / squares
    p = float(stats.chi2.sf(chi2, 1))
    return _noted(replace(unmade, statistic=chi2, p_value=p), note)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values of one family by S. Holm's step-down procedure (1979).

    Args:
        p_values: of every comparison; None where there is none, which does not count.

    Returns:
        The adjusted ones in the same order: the i-th smallest of m times m - i + 1, made
        monotone and at most 1.
    """
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def _same_length(
    first: ArrayLike, second: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape or not len(one):
        raise ValueError(f"expected two rows of one length, found {one.shape} and {two.shape}")
    return one, two


def _is_constant(values: NDArray[np.float64]) -> bool:
    # Percentages that are equal on paper differ by some 1e-14 in floats, which would pass for a
    # variance and give a t of millions.
    return float(np.ptp(values)) < 1e-9


def _t_outcome(t: float, unmade: Outcome, note: str) -> Outcome:
    p = 2.0 * float(stats.t.sf(abs(t), unmade.df))
    return _noted(replace(unmade, statistic=t, p_value=p), note)


def _noted(outcome: Outcome, note: str) -> Outcome:
    if outcome.p_value == 0.0:
        note = "; ".join(filter(None, ("p below the smallest float", note)))
    return replace(outcome, note=note)
