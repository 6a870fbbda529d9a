"""The tests and intervals in sentences that cannot be misread."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from pipeline.evaluation.captions import TESTS, Test
from pipeline.evaluation.files import AVERAGE
from pipeline.evaluation.words import MINUS, counted, interval, listed, p_equation, run_name, signed

LEVEL = 0.05
FEW_SEEDS = 5
WARNINGS = ("only ", "p below ")
"""How the parts of a note begin that must be given with a p-value."""
Row = Mapping[Hashable, Any]


def comparisons(
    significance: pd.DataFrame, differences: pd.DataFrame
) -> dict[str, dict[int, dict[str, list[str]]]]:
    """Return family -> shots -> other run -> sentences, the first about the difference itself."""
    averages = differences[differences["language"] == AVERAGE].to_dict("records")
    leads = {(row["other"], row["shots"]): row for row in averages}
    rows = significance.to_dict("records")
    sizes = Counter((row["family"], row["test"]) for row in rows if not pd.isna(row["p_holm"]))
    order = {name: at for at, name in enumerate(TESTS)}
    families: dict[str, dict[int, dict[str, list[str]]]] = {}
    for row in sorted(rows, key=lambda row: order.get(row["test"], len(order))):
        others = families.setdefault(row["family"], {}).setdefault(int(row["shots"]), {})
        name = run_name(row["other"])
        if name not in others:
            lead = leads.get((row["other"], row["shots"]))
            others[name] = [_lead(lead)] if lead else []
        others[name].append(_test(row, sizes[row["family"], row["test"]]))
    return families


def few_seeds(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield what a small number of seeds cannot show, given the number by block."""
    for seeds in sorted(set(counts.values())):
        blocks = listed(block for block, number in counts.items() if number == seeds)
        if seeds == 1:
            yield (
                f"One seed ({blocks}). It says nothing about other seeds: there is no t-test over "
                "seeds, and the intervals are only over test pairs."
            )
        elif seeds < FEW_SEEDS:
            yield (
                f"{seeds} seeds ({blocks}) are few: a t-test over them has "
                f"{counted(seeds - 1, 'degree')} of freedom and misses all but large differences, "
                "and a bootstrap over so few seeds gives intervals that are too narrow."
            )


def _lead(row: Row) -> str:
    run, other, difference = row["run"], run_name(row["other"]), float(row["difference"])
    size = signed(difference).lstrip(f"+{MINUS}")
    if size == "0.0":
        what = f"{run} and {other} are level (0.0 points apart)"
    else:
        unit = "point" if size == "1.0" else "points"
        what = f"{run} is {size} {unit} {'ahead of' if difference > 0 else 'behind'} {other}"
    bounds = interval(row["low"], row["high"], signed)
    return (
        f"Over {counted(row['seeds'], 'seed')}, {what} at {counted(row['shots'], 'shot')} "
        f"(95 % bootstrap interval over seeds and test pairs: {bounds})."
    )


def _test(row: Row, comparisons: int) -> str:
    test = TESTS.get(row["test"], Test(row["test"], "", "", "n = {}"))
    name, note = test.name[:1].upper() + test.name[1:], row["note"]
    if pd.isna(row["p_value"]):
        why = note.removeprefix("not computed").removeprefix(": ")
        return f"{name}: not computed{f' ({why})' if why else ''}."
    parts = [f"{name} ({test.counted.format(int(row['n']))}): {p_equation(row['p_value'])}"]
    if not pd.isna(row["p_holm"]):
        over = f"{comparisons} comparisons" if comparisons > 1 else "the one comparison"
        family = f"Holm's correction over {over} of {row['family']}"
        verdict = (
            "below 0.05: at the 5 % level this test finds a difference"
            if row["p_holm"] < LEVEL
            else "not below 0.05: at the 5 % level this test finds no difference, which does not "
            "show that there is none"
        )
        parts.append(f"{p_equation(row['p_holm'])} after {family}, {verdict}")
    if not test.scope:
        return f"{'; '.join(parts)}. {note}".strip()
    warnings = [part for part in note.split("; ") if part.startswith(WARNINGS)]
    return f"{'; '.join([*parts, *warnings, test.scope])}."
