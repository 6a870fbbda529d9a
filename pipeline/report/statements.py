"""The tests and intervals in sentences that cannot be misread."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.report.figures.words import (
    AVERAGE,
    MINUS,
    interval,
    listed,
    seeds_name,
    shots_name,
    signed,
)
from pipeline.report.p_values import LEVEL, equation

FEW_SEEDS = 5

WARNINGS = ("only ", "p below ")
"""How those parts of a note begin that must be said with a p-value."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Test:
    """How a test is spoken of.

    Attributes:
        name: what it is called in a sentence.
        asks: what it asks.
        speaks: what its p-value speaks about, and what not.
        counted: what its n counts.
    """

    name: str
    asks: str
    speaks: str
    counted: str


TESTS = {
    "paired_t_seeds": Test(
        "paired t-test over seeds",
        "Would the same pairs of runs differ with other seeds? Each seed gives one number a run, "
        "its mean over the languages; the differences of the seeds are tested against 0.",
        "this speaks about new seeds, not new test pairs",
        "n = {} seeds",
    ),
    "mcnemar_clustered": Test(
        "McNemar's test with test pairs as clusters",
        "Would these trained models differ on other test pairs? All translations of a pair and "
        "all seeds count as one cluster, since they are right or wrong together.",
        "this speaks about new test pairs for these trained models, not new seeds",
        "n = {} pairs",
    ),
    "paired_t_languages": Test(
        "paired t-test over languages",
        "Is the difference even across the languages? Languages share the models and the test "
        "pairs, so they are no independent trials.",
        "this says how even the difference is across these languages, not what new seeds, test "
        "pairs or languages would show",
        "n = {} languages",
    ),
    "paper_independent_t_16_columns": Test(
        "the paper's test",
        "The test behind the p-values of the paper's Table II, found by recomputation: two "
        "printed rows of numbers (the languages and their average) as independent samples. It "
        "counts the average once more and takes a language under two runs for unrelated, so it "
        "is not sound, and is not corrected.",
        "it stands here only to be read beside the paper's",
        "{} numbers a row",
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
    averages = differences[differences["language"] == AVERAGE]
    leads = {(row["other"], row["shots"]): row for row in _rows(averages)}
    rows = _rows(significance)
    sizes = Counter((row["family"], row["test"]) for row in rows if not pd.isna(row["p_holm"]))
    tests: dict[tuple[str, int, str], dict[str, Row]] = {}
    for row in rows:
        key = (str(row["family"]), int(row["shots"]), str(row["other"]))
        tests.setdefault(key, {})[str(row["test"])] = row
    found: dict[str, dict[int, dict[str, list[str]]]] = {}
    for (family, shots, other), made in tests.items():
        lead = leads.get((other, shots))
        known = [name for name in TESTS if name in made]
        names = [*known, *(name for name in made if name not in TESTS)]
        sentences = [_test(made[name], sizes[family, name]) for name in names]
        found.setdefault(family, {}).setdefault(shots, {})[other] = [
            *([_lead(lead)] if lead else []),
            *sentences,
        ]
    return found


def _rows(table: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


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


def _lead(row: Row) -> str:
    run, other, difference = row["run"], row["other"], float(row["difference"])
    text = signed(difference)
    if text == "0.0":
        what = f"{run} and {other} are level (0.0 points apart)"
    else:
        size = text.lstrip(f"+{MINUS}")
        unit = "point" if size == "1.0" else "points"
        side = "ahead of" if difference > 0 else "behind"
        what = f"{run} is {size} {unit} {side} {other}"
    bounds = interval(row["low"], row["high"], plus=True)
    return (
        f"Over {seeds_name(int(row['seeds']))} {what} at {shots_name(int(row['shots']))} "
        f"(95 % bootstrap interval over seeds and test pairs: {bounds})."
    )


def _test(row: Row, comparisons: int) -> str:
    test = TESTS.get(str(row["test"]))
    name = test.name if test else str(row["test"])
    name = name[:1].upper() + name[1:]
    note = str(row["note"])
    if pd.isna(row["p_value"]):
        why = note.removeprefix("not computed").removeprefix(": ")
        return f"{name}: not computed{f' ({why})' if why else ''}."
    counted = test.counted if test else "n = {}"
    said = f"{name} ({counted.format(int(row['n']))}): {equation(float(row['p_value']))}"
    if not pd.isna(row["p_holm"]):
        many = f"over {comparisons} comparisons" if comparisons > 1 else "over this one comparison"
        verdict = (
            "below 0.05: at the 5 % level this test finds a difference"
            if row["p_holm"] < LEVEL
            else "not below 0.05: at the 5 % level this test finds no difference, which does not "
            "show that there is none"
        )
        said += f"; after Holm's correction {many} {equation(float(row['p_holm']))}, {verdict}"
    warnings = [part for part in note.split("; ") if part.startswith(WARNINGS)]
    said = "; ".join([said, *warnings])
    return f"{said}; {test.speaks}." if test else f"{said}. {note}".strip()
