"""The files of one cell, each checked, and held to what the others say."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.artifacts import read_object, read_table
from pipeline.cells.files import PREDICTIONS, PROBABILITIES, run_folder
from pipeline.cells.metrics import cell_metrics
from pipeline.errors import InputError
from pipeline.evaluation.files import AVERAGE
from pipeline.files import reading, sha256
from pipeline.params.runs import LABELS, matched_name

Cell = tuple[str, int, int]
"""(run, shots, seed)."""

ROUNDING = 1e-4
"""By how much the probabilities of a row may miss 1: they are 32-bit floats."""

_INSIDE: Mapping[str, Mapping[str, type]] = {
    "accuracy": {AVERAGE: float},
    "most_predicted": {"label": str, "share": float},
    "test": {"pairs": int, "rows": int},
}
"""What metrics.json holds under some of its keys."""


class CellFiles(NamedTuple):
    """What a cell has written.

    Attributes:
        path: of its predictions.
        predictions: the columns of PREDICTIONS.
        metrics: its metrics.json.
    """

    path: Path
    predictions: pd.DataFrame
    metrics: dict[str, Any]


def read_cell_files(cell: Cell) -> CellFiles:
    """Read the predictions and the metrics of a cell.

    Raises:
        InputError: a file is missing or damaged, a value is out of its range, or one file does not
            say what the other says, or what the name of its folder says.
    """
    path = run_folder(*cell) / "predictions.parquet"
    expected, hint = "the predictions of a cell that params.yaml names", f" {make_again(cell)}"
    with reading(path, "a Parquet file", expected=expected, hint=hint):
        frame = read_table(path, PREDICTIONS)
    if frame.empty:
        raise InputError(f"{path}: expected predictions, found no rows")
    kinds = {"accuracy": dict, "most_predicted": dict, "test": dict, "at_chance": bool}
    metrics = read_metrics(cell, **kinds, updates=int)
    for what, wanted, sound, found in _judged(frame):
        if not sound.all():
            row = int(sound.argmin())
            raise InputError(
                f"{path}, row {row}: {what}: expected {wanted}, found {found[row].tolist()} "
                f"{make_again(cell)}"
            )
    _require_own_metrics(cell, path, frame, metrics)
    return CellFiles(path, frame, metrics)


def _judged(frame: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.bool_], NDArray[Any]]]:
    """Yield what each row must have: its name, what is expected, where it is so, the values."""
    label, predicted = (frame[column].to_numpy() for column in ("label", "predicted"))
    share = frame[PROBABILITIES].to_numpy()
    most = len(LABELS) - 1
    yield "label", f"0 to {most}", (label >= 0) & (label <= most), label
    yield "predicted", f"-1 to {most}", (predicted >= -1) & (predicted <= most), predicted
    # A comparison with NaN is false.
    is_share = ((share >= 0) & (share <= 1)).all(axis=1)
    sums_up = np.abs(share.sum(axis=1, dtype=np.float64) - 1) <= ROUNDING
    yield "probabilities", "numbers from 0 to 1 with sum 1", is_share & sums_up, share
    of_predicted = share[np.arange(len(share)), predicted]
    is_largest = (predicted == -1) | (of_predicted == share.max(axis=1))
    yield "predicted", "the label of the largest probability", is_largest, predicted


def _require_own_metrics(
    cell: Cell, path: Path, frame: pd.DataFrame, metrics: Mapping[str, Any]
) -> None:
    """Compare what metrics.json says with the predictions and the folder of the cell.

    Cells of older versions lack the last two keys: the others of a copied or swapped file differ
    in all but rare cases.
    """
    expected = dict(_flat(cell_metrics(frame)))
    of_folder = {
        "cell": dict(zip(("run", "shots", "seed"), cell, strict=True)),
        "predictions_sha256": sha256(path),
    }
    expected |= _flat({key: value for key, value in of_folder.items() if key in metrics})
    recorded = dict(_flat(metrics))
    for key, value in expected.items():
        found = recorded.get(key)
        close = isinstance(found, float) and math.isclose(found, value, rel_tol=1e-9)
        if found != value and not close:
            raise InputError(
                f"{metrics_path(cell)}: {key}: expected {value} as {path} has it, found {found} "
                f"{make_again(cell)}"
            )


def _flat(values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings with dotted keys."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def metrics_path(cell: Cell) -> Path:
    """Return the metrics.json of a cell."""
    return run_folder(*cell) / "metrics.json"


def make_again(cell: Cell) -> str:
    """Return what to do about a cell that is missing or not as expected."""
    run, shots, seed = cell
    if run.endswith(matched_name("")):
        return "(make it: dvc repro)"
    return f"(make it: mpt train {run} --shots {shots} --seed {seed})"


def read_metrics(cell: Cell, **kinds: type) -> dict[str, Any]:
    """Read the metrics.json of a cell, which must have these keys, with values of these types.

    Raises:
        InputError: the file is missing, is no JSON, or lacks a key.
    """
    path, metrics = metrics_path(cell), read_object(metrics_path(cell))
    expected = {key: (metrics.get(key), kind) for key, kind in kinds.items()}
    for key, inner in _INSIDE.items():
        if key in kinds and isinstance(metrics.get(key), dict):
            kept = {f"{key}.{name}": (metrics[key].get(name), kind) for name, kind in inner.items()}
            expected |= kept
    for key, (value, kind) in expected.items():
        if not isinstance(value, kind):
            raise InputError(
                f"{path}: expected a key {key}, found none; the cell may be from an older version "
                f"{make_again(cell)}"
            )
    return metrics
