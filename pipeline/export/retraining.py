"""A cell, trained once more: its weights are not kept, and the same seed gives them again."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.artifacts import read_table, write_table
from pipeline.cells.files import PREDICTIONS, PROBABILITIES, History, run_folder
from pipeline.errors import InputError
from pipeline.params.runs import Runs, matched_name
from pipeline.progress import Progress, silent
from pipeline.training.cell import Cell, read_cell
from pipeline.training.loop import fit
from pipeline.training.prediction import predict

EXPORTED = Path("data/exported")


class CellName(NamedTuple):
    """Which cell: a run as data/runs/ and the tables name it, its shots and its seed."""

    run: str
    shots: int
    seed: int

    @property
    def matched(self) -> bool:
        """Whether it makes as many updates as comparison.reference, such as `sp_matched`."""
        return self.run.endswith(matched_name(""))

    @property
    def entry(self) -> str:
        """The run's entry in params.yaml."""
        return self.run.removesuffix(matched_name("")) if self.matched else self.run

    @property
    def predictions(self) -> Path:
        """The file with the cell's predictions."""
        return run_folder(self.run, self.shots, self.seed) / "predictions.parquet"

    @property
    def exported(self) -> Path:
        """The folder of the exported model, unless the user names another."""
        return EXPORTED / self.run / f"k{self.shots}" / f"s{self.seed}"


class Trained(NamedTuple):
    """A trained cell and what it predicts for the test pairs, the columns of PREDICTIONS."""

    cell: Cell
    history: History
    predictions: pd.DataFrame


def train_again(params: Runs, name: CellName, *, progress: Progress = silent) -> Trained:
    """Train a cell as `mpt train` does, and predict the test pairs.

    Raises:
        InputError, RunError: as `read_cell` and `fit`.
    """
    cell = read_cell(params, name.entry, shots=name.shots, seed=name.seed, matched=name.matched)
    history = fit(cell.method, cell.text, cell.dev, generator=cell.generator, progress=progress)
    predictions = predict(cell.method, cell.test, threads=cell.threads, progress=progress)
    return Trained(cell, history, predictions)


class Distance(NamedTuple):
    """How far predictions are from those of a cell.

    Attributes:
        same_bytes: whether they would be the same file.
        largest: the largest difference of a probability.
        labels: how many predicted labels differ.
        rows: of how many.
    """

    same_bytes: bool
    largest: float
    labels: int
    rows: int


def require_cell(name: CellName) -> None:
    """Raise an InputError if a cell has not been trained."""
    if not name.predictions.is_file():
        raise InputError(
            f"{name.predictions}: expected the predictions of the cell, to compare with, found no "
            f"such file (mpt train, or dvc repro)"
        )


def distance(predictions: pd.DataFrame, path: Path) -> Distance:
    """Compare predictions with those that a cell has written.

    Raises:
        InputError: the file is damaged, or about other test pairs.
    """
    kept = read_table(path, PREDICTIONS)
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / path.name
        write_table(predictions, again, PREDICTIONS)
        same_bytes = again.read_bytes() == path.read_bytes()
    keys = [kept[key].astype(str).tolist() for key in PREDICTIONS.key]
    if keys != [predictions[key].astype(str).tolist() for key in PREDICTIONS.key]:
        raise InputError(
            f"{path}: expected predictions for the pairs of data/corpora/test.parquet, found "
            f"others (mpt train)"
        )
    apart = (kept[PROBABILITIES].to_numpy() - predictions[PROBABILITIES].to_numpy()).__abs__()
    labels = int((kept.predicted.to_numpy() != predictions.predicted.to_numpy()).sum())
    return Distance(same_bytes, float(apart.max()), labels, len(kept))
