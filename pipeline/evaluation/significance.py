"""significance.csv: the reference against every other run, by the paper's test and sound ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import SIGNIFICANCE
from pipeline.evaluation.words import counted
from pipeline.params.grid import Grid

PAPER_TEST = "paper_independent_t_16_columns"
SEEDS_TEST = "paired_t_seeds"
LANGUAGES_TEST = "paired_t_languages"
MCNEMAR = "mcnemar_clustered"

FEW_DISCORDANT = 25
"""With fewer discordant pairs McNemar's chi-square is only approximate (a common rule)."""


@dataclass(frozen=True)
class Outcome:
    """The result of one test; statistic and p-value are NaN if they cannot be computed.

    Attributes:
        df: degrees of freedom.
        n: observations: numbers per row, seeds, languages, or test pairs.
        difference: the first run minus the second, percentage points.
        statistic: t or chi-square.
        note: why there is no p-value, or what limits its meaning.
    """

    df: int
    n: int
    difference: float
    statistic: float = float("nan")
    p_value: float = float("nan")
    note: str = ""


def significance(cells: Cells, blocks: Mapping[str, Grid], *, reference: str) -> pd.DataFrame:
    """Return significance.csv: one row per test and per run that the reference is compared with.

    Each block of params.yaml that names cells is a family. Holm's correction (p_holm) is over all
    comparisons (shots x other runs) of a family and test. The paper's test is not corrected, to be
    comparable with the paper's p-values. Runs that share no seed at some shots have no rows there.
    """
    rows = [
        {"family": family, "shots": shots, "run": reference, "other": other, "test": test}
        | asdict(outcome)
        for family, grid in blocks.items()
        for shots in grid.shots
        for other in grid.runs
        if other != reference
        for test, outcome in compare(cells, reference, other, shots=shots).items()
    ]
    frame = SIGNIFICANCE.frame(rows).astype({"p_holm": np.float64})
    for (_, test), of_test in frame.groupby(["family", "test"], sort=False):
        if test != PAPER_TEST:
            frame.loc[of_test.index, "p_holm"] = holm(of_test["p_value"])
    return frame


def compare(cells: Cells, run: str, other: str, *, shots: int) -> dict[str, Outcome]:
    """Test the difference between two runs over the seeds that they share, if they share any.

    `paired_t_seeds` is on each seed's mean over languages, `paired_t_languages` on each language's
    mean over seeds, `mcnemar_clustered` on the predictions.
    """
    seeds = cells.common_seeds(run, other, shots=shots)
    if not seeds:
        return {}
    ours, theirs = (cells.accuracies(name, shots, seeds) for name in (run, other))
    by_language = ours.mean(axis=0), theirs.mean(axis=0)
    with_average = (np.append(row, row.mean()) for row in by_language)
    note = "languages share the models and the test pairs: says how even the gain is"
    discordance = np.zeros(cells.label.shape, dtype=np.int64)
    for seed in seeds:
        discordance += cells.correct((run, shots, seed))
        discordance -= cells.correct((other, shots, seed))
    rows = discordance.size * len(seeds)
    return {
        PAPER_TEST: paper_independent_t_16_columns(*with_average),
        SEEDS_TEST: paired_t(ours.mean(axis=1), theirs.mean(axis=1), over="seeds"),
        LANGUAGES_TEST: paired_t(*by_language, over="languages", note=note),
        MCNEMAR: mcnemar_clustered(discordance.sum(axis=0), rows=rows),
    }


def paper_independent_t_16_columns(first: ArrayLike, second: ArrayLike) -> Outcome:
    """Test as in Table II of the paper: independent, two-tailed, equal variances.

    The samples are two printed rows of 16 numbers: 15 languages and their average. The paper
    only says "two-tailed t-tests"; recomputing its p-values shows that it is this test. It is
    not sound: it counts the average as a sixteenth observation and treats a language under two
    methods as unrelated, so the spread between languages hides the difference between methods.

    Args:
        first: accuracies of one run by language, then their mean; percent, [L + 1].
        second: those of the other run.
    """
    ours, theirs = _same_length(first, second)
    n = len(ours)
    outcome = Outcome(2 * n - 2, n, float(ours.mean() - theirs.mean()))
    if n < 2:
        return replace(outcome, note="not computed: one number a row")
    if _is_constant(ours) and _is_constant(theirs):
        return replace(outcome, note="not computed: the numbers of each row are the same")
    error = float(np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / n))
    note = "the paper's test, not a sound one; not in Holm's correction"
    return _with_t(outcome, error, note)


def paired_t(first: ArrayLike, second: ArrayLike, *, over: str, note: str = "") -> Outcome:
    """Test two runs by Student's paired t, two-tailed, on accuracies in percent, [N] each.

    Args:
        first: those of one run.
        second: those of the other run, in the same order.
        over: what is paired, for the note: "seeds" or "languages".
        note: what limits the meaning of the p-value.
    """
    ours, theirs = _same_length(first, second)
    differences = ours - theirs
    n = len(differences)
    outcome = Outcome(n - 1, n, float(differences.mean()))
    if n < 2:
        return replace(outcome, note=f"not computed: needs two {over}, there is one")
    if _is_constant(differences):
        return replace(outcome, note=f"not computed: the difference is the same for all {over}")
    return _with_t(outcome, float(differences.std(ddof=1) / np.sqrt(n)), note)


def mcnemar_clustered(discordance: ArrayLike, *, rows: int) -> Outcome:
    """McNemar's test with the test pairs as clusters: chi2 = (sum d_k)^2 / sum d_k^2, df = 1.

    d_k = b_k - c_k, where b_k counts the rows of pair k (over languages and seeds) that only the
    first run gets right, and c_k those that only the second gets right. The rows of a pair are
    translations of the same sentences, so they tend to be right or wrong together, and McNemar's
    own test on all rows would count each pair up to 15 times per seed. With one row per pair the
    statistic is McNemar's (b - c)^2 / (b + c), without continuity correction. With clusters of
    equal size, as here, it is that of V. L. Durkalski, Y. Y. Palesch, S. R. Lipsitz and P. F.
    Rust (2003), "Analysis of clustered matched-pair data", Statistics in Medicine 22(15),
    doi:10.1002/sim.1438.

    The test is about new test pairs for these trained models; the paired t-test over seeds is
    about new seeds.

    Args:
        discordance: d_k of every test pair, zeros included, [P].
        rows: the number of rows compared, languages x seeds x pairs.
    """
    d = np.asarray(discordance, dtype=np.float64)
    total, squares = float(d.sum()), float((d**2).sum())
    outcome = Outcome(1, len(d), 100.0 * total / rows)
    discordant = int(np.count_nonzero(d))
    if not discordant:
        return replace(outcome, note="not computed: no test pair on which the runs differ")
    note = "for these trained models and new test pairs, not for new seeds"
    if discordant < FEW_DISCORDANT:
        few = f"only {counted(discordant, 'pair')} with a difference"
        note = f"{few}, so the chi-square is rough; {note}"
    chi2 = total**2 / squares
    return _computed(outcome, chi2, float(stats.chi2.sf(chi2, 1)), note)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust the p-values of one family by S. Holm's step-down procedure (1979).

    Args:
        p_values: one per comparison, [N]; NaN if there is none, which does not count.

    Returns:
        The i-th smallest of m times m - i + 1, made monotone and at most 1; NaN stays NaN, [N].
    """
    adjusted = np.array(p_values, dtype=np.float64)
    known = int(np.count_nonzero(~np.isnan(adjusted)))
    order = np.argsort(adjusted, kind="stable")[:known]  # NaN comes last
    steps = np.minimum(1.0, adjusted[order] * np.arange(known, 0, -1))
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def _same_length(
    first: ArrayLike, second: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ours, theirs = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if ours.ndim != 1 or ours.shape != theirs.shape or not len(ours):
        raise ValueError(f"expected two rows of one length, found {ours.shape} and {theirs.shape}")
    return ours, theirs


def _is_constant(values: NDArray[np.float64]) -> bool:
    # Equal percentages can differ by about 1e-14 as floats; taken as a variance, that would give
    # a t of millions.
    return float(np.ptp(values)) < 1e-9


def _with_t(outcome: Outcome, error: float, note: str) -> Outcome:
    t = outcome.difference / error
    return _computed(outcome, t, 2.0 * float(stats.t.sf(abs(t), outcome.df)), note)


def _computed(outcome: Outcome, statistic: float, p_value: float, note: str) -> Outcome:
    if p_value == 0.0:
        note = "; ".join(filter(None, ("p below the smallest float", note)))
    return replace(outcome, statistic=statistic, p_value=p_value, note=note)
