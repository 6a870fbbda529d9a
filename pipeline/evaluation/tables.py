"""accuracy.csv, table1.csv, its standard deviations, and the summary for `dvc metrics show`."""

from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.comparisons import REFERENCE
from pipeline.runs import Grid

PAPER = Path("data/paper")
AVERAGE = "avg"


def accuracy_table(cells: Cells) -> pd.DataFrame:
    """Return accuracy.csv: run, shots, seed, language, accuracy (percent), in the cells' order."""
    rows = [
        (*cell, language, accuracy)
        for cell in cells.correct
        for language, accuracy in zip(cells.languages, cells.accuracy(cell), strict=True)
    ]
    return pd.DataFrame(rows, columns=["run", "shots", "seed", "language", "accuracy"])


def table1(accuracy: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Return Table I: for shots x runs of the grid the mean over seeds, percent.

    Args:
        accuracy: the rows of accuracy.csv.
        grid: which runs, shots and seeds make the table.

    Returns:
        Columns: shots, method, the languages by code, avg (the unweighted mean over them).
    """
    return _as_table1(_by_seed(accuracy, grid).groupby(level=["shots", "run"]).mean(), grid)


def table1_std(accuracy: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Return the sample standard deviations over seeds in the form of Table I, percentage points.

    That of `avg` is the deviation of the seeds' averages. With one seed all are missing.
    """
    return _as_table1(_by_seed(accuracy, grid).groupby(level=["shots", "run"]).std(ddof=1), grid)


def summary(accuracy: pd.DataFrame, *, pairs: int) -> dict[str, Any]:
    """Return results/metrics.json: means over languages and seeds, for `dvc metrics show`.

    Args:
        accuracy: the rows of accuracy.csv, of the grid and of the ablations.
        pairs: the number of distinct test pairs.

    Returns:
        `accuracy`: percent by shots and run; `mpt_minus`: by shots and other run, the percentage
        points by which MPT is ahead (where there is MPT); `test_pairs`.
    """
    cells = accuracy.groupby(["shots", "run", "seed"], sort=False)["accuracy"].mean()
    means: dict[str, dict[str, float]] = {}
    averages = cells.groupby(level=["shots", "run"], sort=False).mean().reset_index()
    for shots, run, mean in averages.itertuples(index=False, name=None):
        means.setdefault(f"k{shots}", {})[str(run)] = float(mean)
    ahead = {
        shots: {run: of[REFERENCE] - of[run] for run in of if run != REFERENCE}
        for shots, of in means.items()
        if REFERENCE in of
    }
    return {"accuracy": means, "mpt_minus": ahead, "test_pairs": pairs}


def languages_of(table: pd.DataFrame) -> list[str]:
    """Return the languages of a table in the form of Table I."""
    return [column for column in table.columns if column not in ("shots", "method", AVERAGE)]


def read_table1(path: Path) -> pd.DataFrame:
    """Read a table in the form of Table I: results/table1.csv or data/paper/table1.csv.

    Raises:
        InputError: the file is missing, or has other columns or something else than numbers.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected Table I, found no such file")
    try:
        table = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise InputError(f"{path}: expected a CSV file, found something else") from None
    if table.empty:
        raise InputError(f"{path}: expected Table I, found no rows")
    for column in ("shots", "method", AVERAGE):
        if column not in table.columns:
            raise InputError(
                f"{path}: expected a column {column}, found {', '.join(map(str, table))}"
            )
    for column in ("shots", *languages_of(table), AVERAGE):
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: column {column}: expected numbers, found text")
    return table


def beside(table: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's values for the rows and columns of ours, missing where it has none.

    The paper's average is over its own 15 languages: it stands beside ours only where ours is
    over the same.

    Args:
        table: ours, in the form of Table I.
        paper: the paper's, in the same form.
    """
    rows = ["shots", "method"]
    values = paper.set_index(rows).reindex(pd.MultiIndex.from_frame(table[rows]))
    values = values.reindex(columns=[*languages_of(table), AVERAGE])
    if set(languages_of(table)) != set(languages_of(paper)):
        values[AVERAGE] = float("nan")
    return values.reset_index()


def _by_seed(accuracy: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    # Rows (shots, run, seed), columns the languages by code and their mean.
    ours = accuracy[accuracy["run"].isin(grid.runs)]
    wide = ours.pivot(index=["shots", "run", "seed"], columns="language", values="accuracy")
    wide[AVERAGE] = wide.mean(axis=1)
    return wide


def _as_table1(values: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    rows = pd.MultiIndex.from_product([grid.shots, grid.runs], names=["shots", "method"])
    table = values.rename_axis(index=["shots", "method"]).reindex(rows).reset_index()
    return table.rename_axis(columns=None)
