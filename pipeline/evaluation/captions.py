"""What the printed tables are of, how far they compare with the paper's, and what they lack.

Paths, Hub ids and runs are in backticks; LaTeX and the page set them in their own type for code.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.cells.metrics import at_chance
from pipeline.evaluation.comparability import backbones, comparability, part_of_test
from pipeline.evaluation.files import AVERAGE
from pipeline.evaluation.significance import LANGUAGES_TEST, MCNEMAR, PAPER_TEST, SEEDS_TEST
from pipeline.evaluation.tables import CORRECTED, ORIGINAL
from pipeline.evaluation.words import BOOTSTRAP, counted, joined, listed, run_name
from pipeline.params.runs import LABELS
from pipeline.params.whole import Params

EACH_ENTRY = "Each entry: mean ± standard deviation (the paper's value)."
NO_TABLE2 = (
    "No run of comparison.table2 has cells at the shots and seeds of the reference in ablations."
)
UNCORRECTED = "In brackets after a p-value: the same before Holm's correction."
COMPARED_HEADS = ("seeds", "points lost (95 % interval)")
P_HEADS = ("p (paper's test)", "p (seeds)", "p (McNemar)")


@dataclass(frozen=True)
class Test:
    """How a test is described: its question, what its p-value is about, and what n counts."""

    name: str
    asks: str
    scope: str
    counted: str


TESTS = {
    SEEDS_TEST: Test(
        "paired t-test over seeds",
        "Would the same pair of runs differ with other seeds? Each seed gives one number per run, "
        "its mean over the languages; the differences between the runs are tested against 0 by a "
        "paired t-test, which is sound but weak if there are few seeds.",
        "this is about new seeds, not new test pairs",
        "n = {} seeds",
    ),
    MCNEMAR: Test(
        "McNemar's test with test pairs as clusters",
        "Would these trained models differ on other test pairs? All translations of a pair and "
        "all seeds count as one cluster, since they tend to be right or wrong together.",
        "this is about new test pairs for these trained models, not new seeds",
        "n = {} pairs",
    ),
    LANGUAGES_TEST: Test(
        "paired t-test over languages",
        "Is the difference similar across the languages? The languages share the models and the "
        "test pairs, so they are not independent trials.",
        "this is about how similar the difference is across these languages, not about new seeds, "
        "test pairs or languages",
        "n = {} languages",
    ),
    PAPER_TEST: Test(
        "the paper's test",
        "This is the test behind the p-values of the paper's Table II. The paper only says "
        '"two-tailed t-tests"; recomputing its p-values shows an independent t-test between two '
        "rows of numbers, the languages' means and their average. It is not sound: it counts the "
        "average as one more observation, and it treats a language under two runs as unrelated, so "
        "the spread between languages hides the difference between runs. It is not corrected.",
        "it is given only for comparison with the paper's",
        "{} numbers per row",
    ),
}
"""The tests of significance.csv, in the order of the page."""


def table1_paragraphs(params: Params, mean: pd.DataFrame, *, pairs: int) -> list[str]:
    """Return what Table I is of, how far the paper's numbers compare, and what is at chance."""
    what = f"mean and sample standard deviation over {_over(params.grid.seeds)}"
    if len(params.grid.seeds) == 1:
        what = f"one seed ({params.grid.seeds[0]}), so no standard deviation"
    if params.matched.runs and params.matched.seeds != params.grid.seeds:
        what += f"; the runs of matched over {_over(params.matched.seeds)}"
    runs = params.table1.runs
    caption = f"{_subject(params, pairs, runs)}: {what}. Bold: the best method at these shots."
    comparability = _comparability(params, "Table I", runs)
    return [f"{caption} {comparability}", _chance(mean, pairs), EACH_ENTRY]


def table2_paragraphs(
    params: Params, mean: pd.DataFrame, *, pairs: int, notes: Sequence[str]
) -> list[str]:
    """Return what Table II is of, what it lacks, and what its tests ask.

    `notes` are sentences on its rows, as `settings.alike` returns them.
    """
    about = table2_about(params, mean, pairs=pairs, notes=notes)
    if mean.empty:
        return about
    tests = zip(P_HEADS, (PAPER_TEST, SEEDS_TEST, MCNEMAR), strict=True)
    asked = (f"{head}: {TESTS[test].asks}" for head, test in tests)
    return [*about, EACH_ENTRY, *asked, UNCORRECTED]


def table2_about(
    params: Params, mean: pd.DataFrame, *, pairs: int, notes: Sequence[str]
) -> list[str]:
    """Return the paragraphs of Table II except for its key and its tests."""
    gaps, reference = table2_gaps(params), params.comparison.reference
    if mean.empty:
        return [f"{NO_TABLE2} {gaps}".strip()]
    runs = (reference, *params.comparison.table2.values())
    caption = (
        f"{_subject(params, pairs, runs)}: mean over seeds. The row {ORIGINAL} is the run "
        f"`{reference}`; each of the others lacks a part of it. Bold: the best at these shots. "
        f"{_comparability(params, 'Table II', runs)} {gaps}"
    )
    seeds = (
        f"All numbers of a row are over the seeds that its run shares with `{reference}`; the row "
        f"{ORIGINAL} is over all its seeds. Points lost: the mean of `{reference}` over a row's "
        f"seeds minus that row's mean, with its interval ({BOOTSTRAP}). {_left_out(params)}"
    )
    return [caption.strip(), seeds.strip(), *notes, _holm(mean)]


def table2_gaps(params: Params) -> str:
    """Return a sentence on the rows that Table II lacks; "" if none."""
    return _sentence("Not in Table II", _table2_gaps(params) if params.ablations.runs else ())


def sweep_gaps(params: Params) -> str:
    """Return a sentence on the shots that Figures 4 and 5 lack; "" if none."""
    reference, seeds = params.comparison.reference, _seeds(params)
    lacking = [shots for shots in params.sweeps.shots if (reference, shots) not in seeds]
    gaps = (_untrained(counted(shots, "shot"), reference) for shots in lacking)
    return _sentence("Not in Figures 4 and 5", gaps if params.sweeps.runs else ())


def _holm(mean: pd.DataFrame) -> str:
    """Name the family of the p-values of Table II."""
    sizes = joined(
        f"{mean[column].notna().sum()} with {head}"
        for column, head in zip(CORRECTED, P_HEADS[1:], strict=True)
    )
    return (
        f"Holm's correction is over the rows of Table II at all shots: {sizes}. significance.csv "
        "corrects over each block of params.yaml instead, so its corrected values are others. An "
        "empty cell was not computed: there is one seed, or no difference."
    )


def _left_out(params: Params) -> str:
    """Name the seeds that a row of Table II or its reference has and the comparison has not."""
    comparison, seeds = params.comparison, _seeds(params)
    rows: dict[tuple[int, str], list[str]] = {}
    for shots in params.ablations.shots:
        ours = seeds.get((comparison.reference, shots), set())
        for variant, run in comparison.table2.items():
            theirs = seeds.get((run, shots), set())
            for owner, more in ((comparison.reference, ours - theirs), (run, theirs - ours)):
                if more and ours & theirs:
                    what = f"{_numbered(more)} of `{owner}`"
                    rows.setdefault((shots, what), []).append(variant)
    texts = (
        f"{what} in {'row' if len(variants) == 1 else 'rows'} {listed(variants)} at "
        f"{counted(shots, 'shot')}"
        for (shots, what), variants in rows.items()
    )
    return _sentence("Left out", texts)


def _over(seeds: Collection[int]) -> str:
    return f"{counted(len(seeds), 'seed')} ({joined(seeds)})"


def _numbered(seeds: Collection[int]) -> str:
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {joined(sorted(seeds))}"


def _subject(params: Params, pairs: int, runs: Sequence[str]) -> str:
    part = part_of_test(params)
    return (
        f"Accuracy in percent with the backbone {backbones(params, runs)} on the {pairs} test "
        f"pairs of `{params.datasets.xnli.path}` in {_languages(params)}"
        f"{part and f' ({part})'}"
    )


def _languages(params: Params) -> str:
    compared, tested = params.compared_languages, params.languages.all
    if len(compared) == len(tested):
        return counted(len(tested), "language")
    return f"{len(compared)} of {len(tested)} languages ({joined(compared)})"


def _chance(mean: pd.DataFrame, pairs: int) -> str:
    """Name the rows of Table I whose average is not significantly above chance."""
    stuck: dict[str, list[int]] = {}
    for shots, method, average in zip(mean["shots"], mean["method"], mean[AVERAGE], strict=True):
        if at_chance(float(average), pairs):
            stuck.setdefault(run_name(method), []).append(int(shots))
    test = f"one-sided exact binomial test over {pairs} pairs, 5 percent level"
    chance = f"({100 / len(LABELS):.1f} percent; {test})"
    if not stuck:
        return f"Every average is above chance {chance}."
    rows = "; ".join(f"{method} at k = {joined(shots)}" for method, shots in stuck.items())
    return f"Not above chance {chance}: {rows}."


def _comparability(params: Params, table: str, runs: Sequence[str]) -> str:
    return (
        f"The paper's values (Qiu et al. 2024, {table}) are for XLM-R-base on XNLI, means over "
        f"5 seeds; its averages are over the same languages as ours, or left out. "
        f"{comparability(params, runs)}"
    )


def _table2_gaps(params: Params) -> Iterator[str]:
    comparison, seeds = params.comparison, _seeds(params)
    reference = comparison.reference
    for shots in params.ablations.shots:
        at, ours = counted(shots, "shot"), seeds.get((reference, shots))
        if not ours:
            yield _untrained(at, reference)
            continue
        for variant, run in comparison.table2.items():
            theirs = seeds.get((run, shots))
            if not theirs:
                yield _untrained(f"{variant} at {at}", run)
            elif not ours & theirs:
                yield f"{variant} at {at} ({run} and {reference} have no seed in common)"


def _seeds(params: Params) -> dict[tuple[str, int], set[int]]:
    seeds: dict[tuple[str, int], set[int]] = {}
    for run, shots, seed in params.cells:
        seeds.setdefault((run, shots), set()).add(seed)
    return seeds


def _untrained(what: str, run: str) -> str:
    return f"{what} ({run} is not trained there)"


def _sentence(start: str, gaps: Iterable[str]) -> str:
    return f"{start}: {text}." if (text := "; ".join(gaps)) else ""
