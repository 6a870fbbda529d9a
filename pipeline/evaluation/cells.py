"""The predictions of all cells that params.yaml names, as arrays over the same test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.artifacts import Table, read_table
from pipeline.cells.files import PREDICTIONS, run_folder
from pipeline.errors import InputError

Cell = tuple[str, int, int]
"""(run, shots, seed)."""

_JUDGED = Table(
    pa.schema([PREDICTIONS.schema.field(c) for c in ("language", "pair_id", "label", "predicted")]),
    PREDICTIONS.key,
)


@dataclass(frozen=True)
class Cells:
    """What each cell predicts for the test pairs, each of them in every language.

    Attributes:
        languages: the test languages, sorted by code; L of them.
        label: the right label ids, [L, P].
        predicted: for each cell the predicted label ids, [L, P]: a byte a row, so that the 350
            cells of the paper's grid and variants on XNLI's 75,150 rows take 26 MB.
    """

    languages: tuple[str, ...]
    label: NDArray[np.int8]
    predicted: Mapping[Cell, NDArray[np.int8]]

    @property
    def pairs(self) -> int:
        """P, the number of distinct test pairs."""
        return int(self.label.shape[1])

    def correct(self, cell: Cell) -> NDArray[np.bool_]:
        """Return whether the predicted label is the right one, [L, P]."""
        found: NDArray[np.bool_] = self.predicted[cell] == self.label
        return found

    def accuracy(self, cell: Cell) -> NDArray[np.float64]:
        """Return the accuracy of a cell in each of `languages`, percent, [L]."""
        found: NDArray[np.float64] = 100.0 * self.correct(cell).sum(axis=1) / self.pairs
        return found

    def groups(self) -> dict[tuple[str, int], tuple[int, ...]]:
        """Return the seeds, ascending, of each (run, shots), in the cells' order."""
        found: dict[tuple[str, int], tuple[int, ...]] = {}
        for run, shots, seed in self.predicted:
            found[run, shots] = (*found.get((run, shots), ()), seed)
        return {group: tuple(sorted(seeds)) for group, seeds in found.items()}

    def common_seeds(self, run: str, other: str, *, shots: int) -> tuple[int, ...]:
        """Return the seeds, ascending, with which both runs have cells at these shots."""
        groups = self.groups()
        both = set(groups.get((run, shots), ())) & set(groups.get((other, shots), ()))
        return tuple(sorted(both))


def read_cells(cells: Sequence[Cell], languages: Sequence[str]) -> Cells:
    """Read the predictions of exactly these cells, in this order.

    The rows of a file may come in any order; they are brought into one (language, pair).

    Args:
        cells: the cells that params.yaml names.
        languages: the test languages that params.yaml names.

    Raises:
        InputError: a cell is missing or damaged, a language of the first lacks test pairs, or the
            test rows (language, pair_id, label) of another are not those of the first; names the
            file.
    """
    if not cells:
        raise InputError("params.yaml: grid: expected at least one run, shots and seed, found none")
    codes = tuple(sorted(languages))
    first = predictions_path(cells[0])
    frame = _read(cells[0])
    pair_ids = pd.Index(frame["pair_id"].unique()).sort_values()
    order = _order(frame, codes, pair_ids, place=first)
    _require_every_pair(frame, codes, pair_ids, place=first)
    label = _ordered(frame, "label", order)
    predicted = {cells[0]: _ordered(frame, "predicted", order)}
    last = frame
    for cell in cells[1:]:
        place, frame = predictions_path(cell), _read(cell)
        # As a rule all files have their rows in one order; to find it out takes most of the time.
        if not _same_rows(frame, last):
            order = _order(frame, codes, pair_ids, place=place)
        if len(order) != len(label):
            raise InputError(
                f"{place}: expected the {len(label)} test rows of {first}, found {len(order)} rows "
                f"that are not the same (language, pair_id)"
            )
        labels = _ordered(frame, "label", order)
        if not np.array_equal(labels, label):
            row = int(np.flatnonzero(labels != label)[0])
            language, pair = divmod(row, len(pair_ids))
            raise InputError(
                f"{place}: language {codes[language]}, pair_id {pair_ids[pair]}: expected label "
                f"{label[row]} as in {first}, found {labels[row]}"
            )
        predicted[cell] = _ordered(frame, "predicted", order)
        last = frame
    shape = len(codes), len(pair_ids)
    by_language = {cell: values.reshape(shape) for cell, values in predicted.items()}
    return Cells(codes, label.reshape(shape), by_language)


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


def _require_every_pair(
    frame: pd.DataFrame, languages: tuple[str, ...], pair_ids: pd.Index, *, place: Path
) -> None:
    rows = frame["language"].astype(str).value_counts()
    absent = [code for code in languages if code not in rows.index]
    if absent:
        raise InputError(
            f"{place}: expected rows in every language of params.yaml, "
            f"found none in {', '.join(absent)}"
        )
    for code in languages:
        if rows[code] != len(pair_ids):
            raise InputError(
                f"{place}: language {code}: expected a row for each of {len(pair_ids)} test "
                f"pairs, found {rows[code]}"
            )


def _same_rows(frame: pd.DataFrame, other: pd.DataFrame) -> bool:
    return bool(
        frame["pair_id"].equals(other["pair_id"]) and frame["language"].equals(other["language"])
    )


def _ordered(frame: pd.DataFrame, column: str, order: NDArray[np.intp]) -> NDArray[np.int8]:
    values: NDArray[np.int8] = frame[column].to_numpy(dtype=np.int8)[order]
    return values


def _order(
    frame: pd.DataFrame, languages: tuple[str, ...], pair_ids: pd.Index, *, place: Path
) -> NDArray[np.intp]:
    """Return the places of a frame's rows in the order (language, pair), [R].

    Each (language, pair) comes at most once, so as many rows as the first cell has are the same.
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
    return order
