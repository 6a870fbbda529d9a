"""What failed or sits at chance."""

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.cells.metrics import at_chance
from pipeline.params.runs import LABELS
from pipeline.report.figures.words import language_name, listed, percent
from pipeline.report.inputs import Record

COLLAPSED = 90.0
"""A label predicted in more than so many percent of the rows is a collapse."""


def failures(records: Sequence[Record]) -> list[tuple[str, int, list[str]]]:
    """Return (run, shots, what is wrong) of every run and shots with something wrong.

    Args:
        records: of all cells.
    """
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        groups.setdefault(record.cell[:2], []).append(record)
    found = [(*key, list(_complaints(group))) for key, group in groups.items()]
    return [one for one in found if one[2]]


def _complaints(group: Sequence[Record]) -> Iterator[str]:
    """Say what is wrong with the cells of one run at one number of shots."""
    many = len(group)
    stuck = [record for record in group if record.metrics["at_chance"]]
    if stuck:
        values = ", ".join(percent(one.metrics["accuracy"]["avg"]) for one in stuck)
        yield f"mean over languages not above chance: {_seeds(stuck, many)} ({values} %)"
    dev = [one for one in group if one.metrics["dev_accuracy"] <= 100 / len(LABELS) + 1e-9]
    if dev:
        yield f"dev accuracy at chance: {_seeds(dev, many)}"
    collapsed = [one for one in group if one.metrics["most_predicted"]["share"] > COLLAPSED]
    if collapsed:
        labels = listed(dict.fromkeys(one.metrics["most_predicted"]["label"] for one in collapsed))
        yield f"more than 90 % of all predictions are {labels}: {_seeds(collapsed, many)}"
    accuracies = [
        {code: value for code, value in one.metrics["accuracy"].items() if code != "avg"}
        for one in group
    ]
    means = {code: float(np.mean([one[code] for one in accuracies])) for code in accuracies[0]}
    pairs = int(group[0].metrics["test"]["pairs"])
    low = [
        f"{language_name(code)} {percent(mean)}"
        for code, mean in means.items()
        if at_chance(mean, pairs)
    ]
    if low:
        yield f"mean over seeds not above chance: {_languages(low, len(means))}"
    shares = [
        f"{language_name(code)} {max(of):.0f}"
        for code in means
        if (of := [one.metrics["most_predicted"]["by_language"][code] for one in group])
        and max(of) > COLLAPSED
    ]
    if shares:
        yield (
            f"one label in more than 90 % of a language's predictions (largest share of a seed, "
            f"percent): {_languages(shares, len(means))}"
        )


def _seeds(some: Sequence[Record], many: int) -> str:
    numbers = ", ".join(str(record.cell[2]) for record in some)
    if len(some) == many:
        return f"every seed ({numbers})" if many > 1 else f"seed {numbers}"
    return f"seed {numbers}" if len(some) == 1 else f"seeds {numbers}"


def _languages(named: Sequence[str], many: int) -> str:
    text = ", ".join(named)
    return f"all {many} languages ({text})" if len(named) == many > 1 else text
