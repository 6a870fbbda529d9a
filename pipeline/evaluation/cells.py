"""The predictions of all cells that params.yaml names, as arrays over the same test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.artifacts import PREDICTIONS, Table, read_table, run_folder
from pipeline.errors import InputError

Cell = tuple[str, int, int]
"""(run, shots, seed)."""

_JUDGED = Table(
    pa.schema([PREDICTIONS.schema.field(c) for c in ("language", "pair_id", "label", "predicted")]),
    PREDICTIONS.key,
)


@dataclass(frozen=True)
class Cells:
    """Which test rows each cell got right.

    Attributes:
        languages: the test languages, sorted by code.
        pairs: the number of distinct test pairs.
        language: for each row the place of its language in `languages`, [R].
        pair: for each row the number of its pair, 0 to pairs - 1, [R].
        correct: for each cell whether the predicted label is the right one, [R].
    """

    languages: tuple[str, ...]
    pairs: int
    language: NDArray[np.int64]
    pair: NDArray[np.int64]
    correct: Mapping[Cell, NDArray[np.bool_]]

    def accuracy(self, cell: Cell) -> NDArray[np.float64]:
        """Return the accuracy of a cell in each of `languages`, percent, [L]."""
        right = np.bincount(self.language[self.correct[cell]], minlength=len(self.languages))
        return 100.0 * right / np.bincount(self.language, minlength=len(self.languages))


def read_cells(cells: Sequence[Cell], languages: Sequence[str]) -> Cells:
    """Read the predictions of exactly these cells, in this order.

    The rows of a file may come in any order; they are brought into one (language, pair).

    Args:
        cells: the cells that params.yaml names.
        languages: the test languages that params.yaml names.

    Raises:
        InputError: a cell is missing or damaged, or its test rows (language, pair_id, label) are
            not those of the first cell; names the file.
    """
    if not cells:
        raise InputError("params.yaml: grid: expected at least one run, shots and seed, found none")
    codes = tuple(sorted(languages))
    first = predictions_path(cells[0])
    frame = _read(cells[0])
    pair_ids = pd.Index(frame["pair_id"].unique()).sort_values()
    key, label, right = _in_order(frame, codes, pair_ids, place=first)
    absent = sorted(set(range(len(codes))) - set((key // len(pair_ids)).tolist()))
    if absent:
        raise InputError(
            f"{first}: expected rows in every language of params.yaml, "
            f"found none in {', '.join(codes[place] for place in absent)}"
        )
    correct = {cells[0]: right}
    for cell in cells[1:]:
        place = predictions_path(cell)
        rows = _in_order(_read(cell), codes, pair_ids, place=place)
        if not np.array_equal(rows[0], key):
            raise InputError(
                f"{place}: expected the {len(key)} test rows of {first}, "
                f"found {len(rows[0])} rows that are not the same (language, pair_id)"
            )
        if not np.array_equal(rows[1], label):
            row = int(np.flatnonzero(rows[1] != label)[0])
            language, pair = divmod(int(key[row]), len(pair_ids))
            raise InputError(
                f"{place}: language {codes[language]}, pair_id {pair_ids[pair]}: expected label "
                f"{label[row]} as in {first}, found {rows[1][row]}"
            )
        correct[cell] = rows[2]
    return Cells(codes, len(pair_ids), key // len(pair_ids), key % len(pair_ids), correct)


def predictions_path(cell: Cell) -> Path:
    """Return data/runs/mpt/k16/s1/predictions.parquet for ("mpt", 16, 1)."""
    run, shots, seed = cell
    return run_folder(run, shots, seed) / "predictions.parquet"


def _read(cell: Cell) -> pd.DataFrame:
    path = predictions_path(cell)
    run, shots, seed = cell
    if not path.is_file():
        raise InputError(
            f"{path}: expected the predictions of a cell that params.yaml names, found no such "
            f"file (make it: mpt train {run} --shots {shots} --seed {seed})"
        )
    frame = read_table(path, _JUDGED)
    if frame.empty:
        raise InputError(f"{path}: expected predictions, found no rows")
    return frame


def _in_order(
    frame: pd.DataFrame, languages: tuple[str, ...], pair_ids: pd.Index, *, place: Path
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.bool_]]:
    """Return key, label and correctness of the rows, [R] each, sorted by key.

    The key is the number of the language times the number of pairs, plus that of the pair.
    """
    language = pd.Index(languages).get_indexer(pd.Index(frame["language"].astype(str)))
    if (language < 0).any():
        other = frame["language"].iloc[int(np.flatnonzero(language < 0)[0])]
        raise InputError(
            f"{place}: language: expected those of params.yaml ({', '.join(languages)}), "
            f"found {other!r}"
        )
    pair = pair_ids.get_indexer(pd.Index(frame["pair_id"]))
    if (pair < 0).any():
        other = frame["pair_id"].iloc[int(np.flatnonzero(pair < 0)[0])]
        raise InputError(
            f"{place}: pair_id: expected the same test pairs in every cell, found {other!r}, "
            f"which the first cell has not"
        )
    key = language.astype(np.int64) * len(pair_ids) + pair
    order = np.argsort(key, kind="stable")
    key = key[order]
    if (key[1:] == key[:-1]).any():
        raise InputError(f"{place}: expected one row a language and pair_id, found one twice")
    label = frame["label"].to_numpy(dtype=np.int8)[order]
    predicted = frame["predicted"].to_numpy(dtype=np.int8)[order]
    return key, label, label == predicted
