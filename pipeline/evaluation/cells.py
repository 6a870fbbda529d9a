"""The cells that params.yaml names: their predictions as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.artifacts import read_arrow
from pipeline.cells.files import PREDICTIONS, PROBABILITIES
from pipeline.corpora.files import CORPORA, EXAMPLES
from pipeline.errors import InputError
from pipeline.evaluation.cell_files import Cell, CellFiles, make_again, read_cell_files

TEST = CORPORA / "test.parquet"


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
        InputError: a cell is missing or damaged, does not have exactly one row with its label per
            language and pair of data/corpora/test.parquet, or is a copy of another seed's. The
            message names the file.
    """
    codes, last = tuple(sorted(languages)), _read_test()
    pair_ids = pd.Index(last["pair_id"].unique()).sort_values()
    order = _order(last, codes, pair_ids, path=TEST)
    label = last["label"].to_numpy(np.int8)[order]
    predicted: dict[Cell, NDArray[np.int8]] = {}
    seen: dict[tuple[str, int, str], Path] = {}
    for cell in cells:
        files = read_cell_files(cell)
        frame = files.predictions
        # Most files have their rows in the same order, and comparing is faster than sorting.
        if not all(frame[column].equals(last[column]) for column in PREDICTIONS.key):
            order = _order(frame, codes, pair_ids, path=files.path)
        labels = frame["label"].to_numpy(np.int8)[order]
        if not np.array_equal(labels, label):
            row = np.flatnonzero(labels != label)[0]
            language, pair = divmod(row, len(pair_ids))
            raise InputError(
                f"{files.path}: language {codes[language]}, pair_id {pair_ids[pair]}: expected "
                f"label {label[row]} as in {TEST}, found {labels[row]} {make_again(cell)}"
            )
        _require_own(cell, files, seen)
        predicted[cell] = frame["predicted"].to_numpy(np.int8)[order]
        last = frame
    kept = [at for at, code in enumerate(codes) if compared is None or code in compared]

    def by_language(values: NDArray[np.int8]) -> NDArray[np.int8]:
        return values.reshape(len(codes), len(pair_ids))[kept]

    by_cell = {cell: by_language(values) for cell, values in predicted.items()}
    return Cells(tuple(codes[at] for at in kept), pair_ids, by_language(label), by_cell)


def _read_test() -> pd.DataFrame:
    columns = [*EXAMPLES.key, "label"]
    frame: pd.DataFrame = read_arrow(TEST, EXAMPLES).select(columns).to_pandas()
    return frame


def _require_own(cell: Cell, files: CellFiles, seen: dict[tuple[str, int, str], Path]) -> None:
    """Raise an InputError if a trained cell has the probabilities of another seed in `seen`."""
    run, shots, seed = cell
    digest = sha256(files.predictions[PROBABILITIES].to_numpy().tobytes()).hexdigest()
    other = seen.setdefault((run, shots, digest), files.path)
    if other != files.path and files.metrics["updates"]:
        raise InputError(
            f"{files.path}: expected probabilities of seed {seed}, found those of {other}: a copy, "
            f"or the seed changes nothing {make_again(cell)}"
        )


def _order(
    frame: pd.DataFrame, languages: tuple[str, ...], pair_ids: pd.Index, *, path: Path
) -> NDArray[np.intp]:
    """Return the positions of a file's rows in the order (language, pair), [L * P]."""
    language = pd.Index(languages).get_indexer(pd.Index(frame["language"].astype(str)))
    pair = pair_ids.get_indexer(pd.Index(frame["pair_id"]))
    for column, index, expected in (
        ("language", language, f"those of params.yaml ({', '.join(languages)})"),
        ("pair_id", pair, f"the test pairs of {TEST}"),
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
