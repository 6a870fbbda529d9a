"""What the page is made of: the tables under results/, and what each cell says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.artifacts import read_json
from pipeline.cells.files import circumstances_path, run_folder
from pipeline.errors import InputError
from pipeline.evaluation.cells import Cell
from pipeline.evaluation.files import RESULTS
from pipeline.evaluation.tables import read_csv
from pipeline.params.whole import CELLS, Params

BOUNDED = ("seeds", "mean", "std", "low", "high")
COLUMNS: dict[str, tuple[str, ...]] = {
    "intervals": ("run", "shots", "language", *BOUNDED),
    "differences": (
        *("run", "other", "shots", "language", "seeds"),
        *("difference", "low", "high", "relative"),
    ),
    "sweeps": ("key", "value", "run", "shots", *BOUNDED),
    "significance": (
        *("family", "shots", "run", "other", "test", "statistic", "df", "n"),
        *("difference", "p_value", "p_holm", "note"),
    ),
    "confusion": ("run", "shots", "language", "label", "predicted", "percent"),
    "paper_gap": (
        *("table", "shots", "row", "run", "language", "ours", "low", "high", "paper"),
        *("difference", "difference_low", "difference_high"),
    ),
    "table2": (
        *("shots", "variant", "run", "avg", "p_paper", "p_seeds", "p_seeds_holm"),
        *("p_mcnemar", "p_mcnemar_holm"),
    ),
}
"""The tables that the page reads beside Table I, and the columns that it needs of them."""

TEXT = (
    *("run", "other", "language", "key", "value", "family", "test", "note"),
    *("label", "predicted", "row", "variant"),
)


@dataclass(frozen=True)
class Record:
    """What a cell says of itself.

    Attributes:
        cell: (run, shots, seed).
        block: the block of params.yaml that names it.
        metrics: its metrics.json.
        circumstances: its circumstances.json, empty where it was made elsewhere.
    """

    cell: Cell
    block: str
    metrics: Mapping[str, Any]
    circumstances: Mapping[str, Any]


def read_tables() -> dict[str, pd.DataFrame]:
    """Read the tables of COLUMNS by name; text that is missing is "".

    Raises:
        InputError: a file is missing or is no CSV, or a column is missing or holds no numbers.
    """
    return {name: _read(name, columns) for name, columns in COLUMNS.items()}


def read_records(params: Params) -> list[Record]:
    """Read what every cell of params.yaml says of itself.

    Raises:
        InputError: the metrics.json of a cell is missing or is not one.
    """
    records = []
    for block in CELLS:
        for cell in getattr(params, block).cells:
            folder = run_folder(*cell)
            metrics = read_json(folder / "metrics.json")
            needed = ("accuracy", "most_predicted", "test", "at_chance", "dev_accuracy")
            for key in needed:
                if not isinstance(metrics, dict) or key not in metrics:
                    raise InputError(
                        f"{folder / 'metrics.json'}: expected a key {key}, found none (make the "
                        f"cell again: mpt train {cell[0]} --shots {cell[1]} --seed {cell[2]})"
                    )
            beside = circumstances_path(*cell)
            records.append(
                Record(cell, block, metrics, read_json(beside) if beside.is_file() else {})
            )
    return records


def _read(name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    path = RESULTS / f"{name}.csv"
    table = read_csv(path, "what mpt tables writes", names=columns, text=TEXT)
    for column in columns:
        if column in TEXT:
            table[column] = table[column].fillna("").astype(object)
        elif len(table) and not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{path}: column {column}: expected numbers, found text")
    return table
