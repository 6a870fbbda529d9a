"""The cells that params.yaml names: their predictions as arrays, and their metrics.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.artifacts import Table, read_object, read_table
from pipeline.cells.files import PREDICTIONS, run_folder
from pipeline.errors import InputError
from pipeline.evaluation.files import AVERAGE
from pipeline.files import reading
from pipeline.params.runs import matched_name

Cell = tuple[str, int, int]
"""(run, shots, seed)."""

_JUDGED = Table(
    pa.schema([PREDICTIONS.schema.field(c) for c in ("language", "pair_id", "label", "predicted")]),
    PREDICTIONS.key,
)


_INSIDE: Mapping[str, Mapping[str, type]] = {
    "accuracy": {AVERAGE: float},
    "most_predicted": {"label": str, "share": float},
    "test": {"pairs": int, "rows": int},
}
"""What metrics.json holds under some of its keys."""


@dataclass(frozen=True)
class Cells:
    """What each cell predicts for each of P test pairs in each of L languages, both sorted.

    Attributes:
        label: the gold label ids, [L, P].
        predicted: the predicted label ids of each cell, -1 for no label, [L, P]. One byte per row:
            the 350 cells of the paper's grid and variants on XNLI's 75,150 rows need 26 MB.
    """

    languages: tuple[str, ...]
    pair_ids: pd.Index
    label: NDArray[np.int8]
    predicted: Mapping[Cell, NDArray[np.int8]]

    @property
    def pairs(self) -> int:
        """P."""
        return len(self.pair_ids)

    def correct(self, cell: Cell) -> NDArray[np.bool_]:
        """Return whether each prediction is right, [L, P]."""
        correct: NDArray[np.bool_] = self.predicted[cell] == self.label
        return correct

    def accuracies(self, run: str, shots: int, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return the accuracy by seed and language, percent, [S, L]."""
        right = [self.correct((run, shots, seed)).sum(axis=1) for seed in seeds]
        accuracies: NDArray[np.float64] = 100.0 * np.stack(right) / self.pairs
        return accuracies

    def groups(self) -> dict[tuple[str, int], tuple[int, ...]]:
        """Return the seeds, ascending, of each (run, shots), in the order of the cells."""
        groups: dict[tuple[str, int], list[int]] = {}
        for run, shots, seed in self.predicted:
            groups.setdefault((run, shots), []).append(seed)
        return {group: tuple(sorted(seeds)) for group, seeds in groups.items()}

    def common_seeds(self, run: str, other: str, *, shots: int) -> tuple[int, ...]:
        """Return the seeds, ascending, for which both runs have cells at these shots."""
        groups = self.groups()
        both = set(groups.get((run, shots), ())) & set(groups.get((other, shots), ()))
        return tuple(sorted(both))


def read_cells(
    cells: Sequence[Cell], languages: Sequence[str], *, compared: Sequence[str] | None = None
) -> Cells:
    """Read the predictions of these cells, and of no others, in this order.

    The cells have rows in `languages`; those in `compared` (default: all) are returned.

    Raises:
        InputError: a cell is missing or damaged, or does not have exactly one row per language
            and test pair, with the labels of the first cell. The message names the file.
    """
    codes, (first, last) = tuple(sorted(languages)), read_predictions(cells[0])
    pair_ids = pd.Index(last["pair_id"].unique()).sort_values()
    order = _order(last, codes, pair_ids, path=first)
    label, predicted = last["label"].to_numpy(np.int8)[order], {}
    for cell in cells:
        path, frame = read_predictions(cell)
        # Most files have their rows in the same order, and comparing is faster than sorting.
        if not all(frame[column].equals(last[column]) for column in PREDICTIONS.key):
            order = _order(frame, codes, pair_ids, path=path)
        labels = frame["label"].to_numpy(np.int8)[order]
        if not np.array_equal(labels, label):
            row = np.flatnonzero(labels != label)[0]
            language, pair = divmod(row, len(pair_ids))
            raise InputError(
                f"{path}: language {codes[language]}, pair_id {pair_ids[pair]}: expected label "
                f"{label[row]} as in {first}, found {labels[row]}"
            )
        predicted[cell] = frame["predicted"].to_numpy(np.int8)[order]
        last = frame
    kept = [at for at, code in enumerate(codes) if compared is None or code in compared]

    def by_language(values: NDArray[np.int8]) -> NDArray[np.int8]:
        return values.reshape(len(codes), len(pair_ids))[kept]

    by_cell = {cell: by_language(values) for cell, values in predicted.items()}
    return Cells(tuple(codes[at] for at in kept), pair_ids, by_language(label), by_cell)


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


def read_predictions(cell: Cell) -> tuple[Path, pd.DataFrame]:
    """Return the path and rows (language, pair_id, label, predicted) of a cell's predictions.

    Raises:
        InputError: the file is missing or damaged, or has no rows.
    """
    path = run_folder(*cell) / "predictions.parquet"
    expected, hint = "the predictions of a cell that params.yaml names", f" {make_again(cell)}"
    with reading(path, "a Parquet file", expected=expected, hint=hint):
        frame = read_table(path, _JUDGED)
    if frame.empty:
        raise InputError(f"{path}: expected predictions, found no rows")
    return path, frame


def _order(
    frame: pd.DataFrame, languages: tuple[str, ...], pair_ids: pd.Index, *, path: Path
) -> NDArray[np.intp]:
    """Return the positions of a file's rows in the order (language, pair), [L * P]."""
    language = pd.Index(languages).get_indexer(pd.Index(frame["language"].astype(str)))
    pair = pair_ids.get_indexer(pd.Index(frame["pair_id"]))
    for column, index, expected in (
        ("language", language, f"those of params.yaml ({', '.join(languages)})"),
        ("pair_id", pair, "the test pairs of the first cell"),
    ):
        if (index < 0).any():
            unknown = frame[column].iloc[int(np.argmin(index))]
            raise InputError(f"{path}: {column}: expected {expected}, found {unknown!r}")
    for code, rows in zip(languages, np.bincount(language, minlength=len(languages)), strict=True):
        if rows != len(pair_ids):
            raise InputError(
                f"{path}: language {code}: expected a row for each of {len(pair_ids)} test pairs, "
                f"found {rows}"
            )
    key = language.astype(np.int64) * len(pair_ids) + pair
    order = np.argsort(key, kind="stable")
    if (np.diff(key[order]) == 0).any():
        raise InputError(f"{path}: expected one row per language and pair_id, found one twice")
    return order
