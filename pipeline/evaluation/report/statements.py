"""The tests and intervals in sentences that cannot be misread."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.figures.words import (
    AVERAGE,
    MINUS,
    interval,
    listed,
    seeds_name,
    shots_name,
    signed,
)
from pipeline.evaluation.report.p_values import LEVEL, equation

FEW_SEEDS = 5


@dataclass(frozen=True)
class Test:
    """How a test is spoken of.

    Attributes:
        name: what it is called in a sentence.
        asks: what it asks.
        speaks: what its p-value speaks about, and what not.
    """

    name: str
    asks: str
    speaks: str


TESTS = {
    "paired_t_seeds": Test(
        "paired t-test over seeds",
        "Would the same pairs of runs differ with other seeds? Each seed gives one number a run, "
        "its mean over the languages; the differences of the seeds are tested against 0.",
        "this speaks about new seeds, not new test pairs",
    ),
    "mcnemar_clustered": Test(
        "McNemar's test with test pairs as clusters",
        "Would these trained models differ on other test pairs? All translations of a pair and "
        "all seeds count as one cluster, since they are right or wrong together.",
        "this speaks about new test pairs for these trained models, not new seeds",
    ),
    "paired_t_languages": Test(
        "paired t-test over languages",
        "Is the difference even across the languages? Languages share the models and the test "
        "pairs, so they are no independent trials.",
        "this says how even the difference is across these languages, not what new seeds, test "
        "pairs or languages would show",
    ),
    "paper_independent_t_16_columns": Test(
        "the paper's test",
        "The test behind the p-values of the paper's Table II, found by recomputation: two "
        "printed rows of numbers (the languages and their average) as independent samples. It "
        "counts the average once more and takes a language under two runs for unrelated, so it "
        "is not sound, and is not corrected.",
        "it stands here only to be read beside the paper's",
    ),
}
"""The tests of significance.csv, in the order in which they are spoken of."""


def comparisons(
    significance: pd.DataFrame, differences: pd.DataFrame
) -> dict[str, dict[int, dict[str, list[str]]]]:
    """Return family -> shots -> other run -> sentences, the first about the difference itself.

    Args:
        significance: the rows of significance.csv.
        differences: the rows of differences.csv.
    """
    lead = differences[differences["language"] == AVERAGE].set_index(["other", "shots"])
    sizes = significance[significance["p_holm"].notna()].groupby(["family", "test"]).size()
    found: dict[str, dict[int, dict[str, list[str]]]] = {}
    for (family, shots, other), part in significance.groupby(
        ["family", "shots", "other"], sort=False
    ):
        rows = {str(row["test"]): row for row in part.to_dict("records")}
        ahead = lead.loc[(other, shots)] if (other, shots) in lead.index else None
        sentences = [] if ahead is None else [_lead(str(part["run"].iloc[0]), ahead, other, shots)]
        known = [name for name in TESTS if name in rows]
        for name in [*known, *(name for name in rows if name not in TESTS)]:
            sentences.append(_test(rows[name], int(sizes.get((family, name), 0))))
        found.setdefault(str(family), {}).setdefault(int(shots), {})[str(other)] = sentences
    return found


def few_seeds(counts: Mapping[str, int]) -> Iterator[str]:
    """Say what a number of seeds is good for, where it is small.

    Args:
        counts: the number of seeds by block.
    """
    for seeds in sorted(set(counts.values())):
        blocks = listed(block for block, number in counts.items() if number == seeds)
        if seeds == 1:
            yield (
                f"One seed ({blocks}). Nothing can be said about other seeds: there is no t-test "
                "over seeds, and the intervals are over test pairs alone."
            )
        elif seeds < FEW_SEEDS:
            yield (
                f"{seeds} seeds ({blocks}) are few: a t-test over them has {seeds - 1} "
                f"degree{'s' if seeds > 2 else ''} of freedom, misses all but large differences, "
                "and a bootstrap over so few draws too narrow intervals."
            )


def _lead(run: str, ahead: "pd.Series[float]", other: object, shots: object) -> str:
    difference = float(ahead["difference"])
    text = signed(difference)
    if text == "0.0":
        what = f"{run} and {other} are level (0.0 points apart)"
    else:
        size = text.lstrip(f"+{MINUS}")
        unit = "point" if size == "1.0" else "points"
        side = "ahead of" if difference > 0 else "behind"
        what = f"{run} is {size} {unit} {side} {other}"
    bounds = interval(ahead["low"], ahead["high"], plus=True)
    return (
        f"Over {seeds_name(int(ahead['seeds']))} {what} at {shots_name(int(str(shots)))} "
        f"(95 % bootstrap interval over seeds and test pairs: {bounds})."
    )


def _test(row: Mapping[str, object], comparisons: int) -> str:
    test = TESTS.get(str(row["test"]))
    name = test.name if test else str(row["test"])
    p, holm = float(str(row["p_value"])), float(str(row["p_holm"]))
    if p != p:  # noqa: PLR0124
        why = str(row["note"]).removeprefix("not computed: ")
        return f"{_capital(name)}: not computed{f' ({why})' if why else ''}."
    size = _size(row)
    said = f"{_capital(name)}{size}: {equation(p)}"
    if holm == holm:  # noqa: PLR0124
        many = f"over {comparisons} comparisons" if comparisons > 1 else "over this one comparison"
        below = holm < LEVEL
        verdict = (
            "below 0.05: at the 5 % level this test finds a difference"
            if below
            else "not below 0.05: at the 5 % level this test finds no difference, which does not "
            "show that there is none"
        )
        said += f"; after Holm's correction {many} {equation(holm)}, {verdict}"
    return f"{said}; {test.speaks}." if test else f"{said}. {row['note']}".strip()


def _size(row: Mapping[str, object]) -> str:
    n = int(float(str(row["n"])))
    unit = {
        "paired_t_seeds": f" (n = {n})",
        "paired_t_languages": f" (n = {n})",
        "mcnemar_clustered": f" (n = {n} pairs)",
        "paper_independent_t_16_columns": f" ({n} numbers a row)",
    }
    return unit.get(str(row["test"]), f" (n = {n})")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
