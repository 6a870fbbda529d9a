"""accuracy.csv, Table I, curves.csv, confusion.csv and metrics.json."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import ACCURACY, AVERAGE, CONFUSION
from pipeline.params.grid import Grid
from pipeline.params.runs import LABELS


def accuracy_table(cells: Cells) -> pd.DataFrame:
    """Return accuracy.csv: run, shots, seed, language, accuracy (percent), in the cells' order."""
    return ACCURACY.frame(
        (run, shots, seed, language, accuracy)
        for run, shots, seed in cells.predicted
        for language, accuracy in zip(
            cells.languages, cells.accuracies(run, shots, [seed])[0], strict=True
        )
    )


def table1(accuracy: pd.DataFrame, grid: Grid, statistic: str = "mean") -> pd.DataFrame:
    """Return Table I: a statistic over seeds for shots x runs of the grid.

    Args:
        accuracy: accuracy.csv.
        grid: the runs and shots of the table.
        statistic: "mean" (percent), or "std" (sample standard deviation, percentage points;
            missing with one seed).

    Returns:
        Columns: shots, method, the languages by code, and avg: the statistic of the seeds' means
        over languages.
    """
    ours = accuracy[accuracy["run"].isin(grid.runs)]
    by_seed = ours.pivot(index=["shots", "run", "seed"], columns="language", values="accuracy")
    by_seed[AVERAGE] = by_seed.mean(axis=1)
    values = by_seed.groupby(level=["shots", "run"]).agg(statistic)
    rows = pd.MultiIndex.from_product([grid.shots, grid.runs], names=["shots", "method"])
    table = values.rename_axis(index=["shots", "method"]).reindex(rows).reset_index()
    return table.rename_axis(columns=None)


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Return curves.csv: the averages of Table I, percent; columns shots (ascending), methods."""
    methods = list(dict.fromkeys(table["method"]))
    wide = table.pivot(index="shots", columns="method", values=AVERAGE)[methods]
    return wide.sort_index().reset_index().rename_axis(columns=None)


def confusion(cells: Cells) -> pd.DataFrame:
    """Return confusion.csv: how the test pairs of each label are classified.

    Returns:
        Columns: run, shots, language, label, predicted (names), percent (share of the label's
        rows with this prediction, over all seeds; missing if no row has the label).
    """
    shape = len(cells.languages), len(LABELS), len(LABELS)
    # The flat index of (language, label, 0); adding a prediction gives the index of its count.
    language = np.arange(len(cells.languages), dtype=np.int64)[:, None]
    start = (language * len(LABELS) + cells.label) * len(LABELS)
    rows = []
    for (run, shots), seeds in cells.groups().items():
        counts = np.zeros(shape, dtype=np.int64)
        for seed in seeds:
            index = (start + cells.predicted[run, shots, seed]).ravel()
            counts += np.bincount(index, minlength=counts.size).reshape(shape)
        of_label = counts.sum(axis=2, keepdims=True)
        percent = 100.0 * counts / np.where(of_label > 0, of_label, np.nan)
        names = product(cells.languages, LABELS, LABELS)
        rows += [(run, shots, *name, p) for name, p in zip(names, percent.flat, strict=True)]
    return CONFUSION.frame(rows)


def summary(table: pd.DataFrame, *, reference: str, pairs: int) -> dict[str, Any]:
    """Return results/metrics.json, for `dvc metrics show`: the averages of Table I.

    Variants are left out: hundreds of numbers would hide these.

    Returns:
        `accuracy`: percent by shots and run; `REFERENCE_minus`: the reference's lead by shots
        and other run, percentage points (empty if the table lacks the reference); `test_pairs`.
    """
    means: dict[str, dict[str, float]] = {}
    for shots, run, mean in zip(table["shots"], table["method"], table[AVERAGE], strict=True):
        means.setdefault(f"k{shots}", {})[str(run)] = float(mean)
    ahead = {
        shots: {run: of[reference] - of[run] for run in of if run != reference}
        for shots, of in means.items()
        if reference in of
    }
    return {"accuracy": means, f"{reference}_minus": ahead, "test_pairs": pairs}
