"""What each cell reports about itself, and which cells failed or are at chance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.cells.files import circumstances_path, read_circumstances
from pipeline.cells.metrics import at_chance, cell_metrics
from pipeline.evaluation.cell_files import Cell, read_cell_files, read_metrics
from pipeline.evaluation.files import AVERAGE
from pipeline.evaluation.words import joined, listed, percent
from pipeline.params.runs import LABELS
from pipeline.params.whole import Params
from pipeline.report.text import language_name

COLLAPSED = 90.0
"""Percent of the rows with the same prediction above which a run has collapsed."""


@dataclass(frozen=True)
class Record:
    """The metrics.json, times and machine of a cell."""

    cell: Cell
    block: str
    metrics: Mapping[str, Any]
    circumstances: Mapping[str, Any]
    """Empty if the cell was made elsewhere."""


def read_records(params: Params) -> list[Record]:
    """Read the record of every cell of params.yaml; its metrics are over the compared languages.

    Raises:
        InputError: the metrics.json or the predictions of a cell are missing or incomplete.
    """
    kinds = {"accuracy": dict, "most_predicted": dict, "test": dict, "at_chance": bool}
    records = []
    for block, grid in params.blocks.items():
        for cell in grid.cells:
            metrics = read_metrics(cell, **kinds, dev_accuracy=float)
            if params.comparison.languages:
                rows = read_cell_files(cell).predictions
                metrics |= cell_metrics(rows[rows["language"].isin(params.compared_languages)])
            circumstances = read_circumstances(circumstances_path(*cell)) or {}
            records.append(Record(cell, block, metrics, circumstances))
    return records


def failures(records: Sequence[Record]) -> list[tuple[str, int, list[str]]]:
    """Return (run, shots, what is wrong) of every run and shots with something wrong."""
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        groups.setdefault(record.cell[:2], []).append(record)
    complaints = [(*key, list(_complaints(group))) for key, group in groups.items()]
    return [complaint for complaint in complaints if complaint[2]]


def _complaints(group: Sequence[Record]) -> Iterator[str]:
    """Yield what is wrong with the cells of one run at one number of shots."""
    if stuck := [record for record in group if record.metrics["at_chance"]]:
        values = joined(percent(record.metrics["accuracy"][AVERAGE]) for record in stuck)
        yield f"mean over languages not above chance: {_seeds(stuck, group)} ({values} %)"
    chance = 100 / len(LABELS) + 1e-9
    if dev := [record for record in group if record.metrics["dev_accuracy"] <= chance]:
        yield f"dev accuracy at chance: {_seeds(dev, group)}"
    most = {record.cell: record.metrics["most_predicted"] for record in group}
    if collapsed := [record for record in group if most[record.cell]["share"] > COLLAPSED]:
        labels = listed(dict.fromkeys(most[record.cell]["label"] for record in collapsed))
        yield f"more than 90 % of all predictions are {labels}: {_seeds(collapsed, group)}"
    accuracies = [record.metrics["accuracy"] for record in group]
    languages = [code for code in accuracies[0] if code != AVERAGE]
    means = {code: float(np.mean([of[code] for of in accuracies])) for code in languages}
    pairs = int(group[0].metrics["test"]["pairs"])
    if low := {code: percent(mean) for code, mean in means.items() if at_chance(mean, pairs)}:
        yield f"mean over seeds not above chance: {_languages(low, means)}"
    shares = {code: max(of["by_language"][code] for of in most.values()) for code in languages}
    if high := {code: f"{share:.0f}" for code, share in shares.items() if share > COLLAPSED}:
        yield (
            f"one label in more than 90 % of a language's predictions (largest share of any seed, "
            f"percent): {_languages(high, means)}"
        )


def _seeds(some: Sequence[Record], group: Sequence[Record]) -> str:
    numbers = joined(record.cell[2] for record in some)
    if len(some) == len(group) > 1:
        return f"every seed ({numbers})"
    return f"seed {numbers}" if len(some) == 1 else f"seeds {numbers}"


def _languages(numbers: Mapping[str, str], of: Mapping[str, float]) -> str:
    text = joined(f"{language_name(code)} {number}" for code, number in numbers.items())
    return f"all {len(of)} languages ({text})" if len(numbers) == len(of) > 1 else text
