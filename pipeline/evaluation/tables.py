"""accuracy.csv, Table I, its curves, confusions, and the summary for `dvc metrics show`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation.cells import Cells
from pipeline.params.grid import Grid
from pipeline.params.runs import LABELS

PAPER = Path("data/paper")
AVERAGE = "avg"


def accuracy_table(cells: Cells) -> pd.DataFrame:
    """Return accuracy.csv: run, shots, seed, language, accuracy (percent), in the cells' order."""
    rows = [
        (*cell, language, accuracy)
        for cell in cells.predicted
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


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Return curves.csv: the averages of Table I, a row for each shots (ascending), percent.

    Args:
        table: Table I.

    Returns:
        Columns: shots, then the methods.
    """
    methods = list(dict.fromkeys(table["method"]))
    wide = table.pivot(index="shots", columns="method", values=AVERAGE)[methods]
    return wide.sort_index().reset_index().rename_axis(columns=None)


def confusion(cells: Cells) -> pd.DataFrame:
    """Return confusion.csv: what the rows of each label are taken for.

    Returns:
        Columns: run, shots, language, label, predicted (names), percent (the share of the
        label's rows that is predicted so, mean over seeds; missing where no row has the label).
    """
    rows = []
    shape = len(cells.languages), len(LABELS), len(LABELS)
    # For each row the place of its language and label; a prediction is then a step from it.
    language = np.arange(len(cells.languages), dtype=np.int64)[:, None]
    place = (language * len(LABELS) + cells.label) * len(LABELS)
    for (run, shots), seeds in cells.groups().items():
        counts = np.zeros(shape, dtype=np.int64)
        for seed in seeds:
            found = (place + cells.predicted[run, shots, seed]).ravel()
            counts += np.bincount(found, minlength=counts.size).reshape(shape)
        of_label = counts.sum(axis=2, keepdims=True)
        percent = 100.0 * counts / np.where(of_label > 0, of_label, np.nan)
        for at, share in np.ndenumerate(percent):
            names = cells.languages[at[0]], LABELS[at[1]], LABELS[at[2]]
            rows.append((run, shots, *names, share))
    columns = ["run", "shots", "language", "label", "predicted", "percent"]
    return pd.DataFrame(rows, columns=columns)


def summary(table: pd.DataFrame, *, reference: str, pairs: int) -> dict[str, Any]:
    """Return results/metrics.json: the averages of Table I, for `dvc metrics show`.

    The variants are left out, since their hundreds of numbers would hide these.

    Args:
        table: Table I.
        reference: the run that the others are compared with.
        pairs: the number of distinct test pairs.

    Returns:
        `accuracy`: percent by shots and run; `REFERENCE_minus`: by shots and other run, the
        percentage points by which the reference is ahead (nothing where it is not in the table);
        `test_pairs`.
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


def languages_of(table: pd.DataFrame) -> list[str]:
    """Return the languages of a table in the form of Table I or II."""
    columns = [str(column) for column in table.columns]
    names = ("shots", "method", "variant", "run")
    return [column for column in columns[: columns.index(AVERAGE)] if column not in names]


def read_table1(path: Path) -> pd.DataFrame:
    """Read a table in the form of Table I: results/table1.csv or data/paper/table1.csv.

    Raises:
        InputError: the file is missing, or has other columns or something else than numbers.
    """
    table = read_csv(path, "Table I", names=("shots", "method", AVERAGE))
    if table.empty:
        raise InputError(f"{path}: expected Table I, found no rows")
    require_numbers(table, ("shots", *languages_of(table), AVERAGE), path)
    return table


def read_csv(
    path: Path, what: str, *, names: tuple[str, ...], text: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Read a CSV file that has columns of these names.

    Args:
        path: of the file.
        what: is expected in it, for the message.
        names: of columns that it must have; it may have others.
        text: columns that are read as they stand, if they are there, "none" and "1" too.

    Raises:
        InputError: the file is missing, is no CSV, or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected {what}, found no such file")
    try:
        # Of values such as "none" or "null" pandas would make missing ones.
        table = pd.read_csv(
            path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(text, str)
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise InputError(f"{path}: expected a CSV file, found something else") from None
    for column in names:
        if column not in table.columns:
            raise InputError(
                f"{path}: expected a column {column}, found {', '.join(map(str, table))}"
            )
    return table


def require_numbers(table: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    """Check that columns hold numbers; an InputError names the file and the column."""
    for column in columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: column {column}: expected numbers, found text")


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
