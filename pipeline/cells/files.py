"""What a cell writes: where it is stored, and in which form."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save

from pipeline.artifacts import TEXT, WORD, read_json, table, write_csv, write_json, write_table
from pipeline.cells.metrics import cell_metrics
from pipeline.errors import InputError
from pipeline.files import atomic, sha256
from pipeline.params.runs import LABELS

RUNS = Path("data/runs")
CIRCUMSTANCES = Path("data/circumstances")

PROBABILITIES = [f"p_{label}" for label in LABELS]

PREDICTIONS = table(
    {"language": WORD, "pair_id": TEXT, "label": pa.int8(), "predicted": pa.int8()}
    | dict.fromkeys(PROBABILITIES, pa.float32()),
    "language",
    "pair_id",
    sealed=False,
)
"""data/runs/*/k*/s*/predictions.parquet; the probabilities of a row sum to 1. Its SHA-256 is in
metrics.json."""


class History(NamedTuple):
    """The course of training.

    Attributes:
        epochs: a row per epoch: epoch, updates so far, learning_rate, loss and its parts (nats,
            means over the epoch's updates), dev_accuracy (percent).
        kept: the epoch whose weights the method has now.
    """

    epochs: pd.DataFrame
    kept: int


def run_folder(run: str, shots: int, seed: int) -> Path:
    """Return the folder of one cell, data/runs/mpt/k16/s11."""
    return RUNS / run / f"k{shots}" / f"s{seed}"


def cell_of(out: str) -> tuple[str, int, int] | None:
    """Return run, shots and seed of a cell's folder or of a file in it; None for another path."""
    parts = Path(out).relative_to(RUNS).parts[:3] if Path(out).is_relative_to(RUNS) else ()
    if len(parts) != 3 or not (parts[1][1:] + parts[2][1:]).isdigit():
        return None
    return parts[0], int(parts[1][1:]), int(parts[2][1:])


def updates_path(shots: int) -> Path:
    """Return the file with the updates that comparison.reference makes, in all and per epoch."""
    return Path(f"data/updates/k{shots}.json")


def circumstances_path(run: str, shots: int, seed: int) -> Path:
    """Return the file of times and machine, which differ whenever the cell is trained again."""
    return CIRCUMSTANCES / run / f"k{shots}" / f"s{seed}.json"


def read_circumstances(path: Path) -> dict[str, Any] | None:
    """Return what `mpt train` noted about one training of a cell: seconds, memory, machine.

    None if the file is missing or damaged: no result depends on it.
    """
    try:
        facts = read_json(path)
        sum(facts["seconds"].values())
    except (InputError, AttributeError, KeyError, TypeError):
        return None
    return dict(facts)


def write_cell(
    folder: Path,
    predictions: pd.DataFrame,
    *,
    history: History,
    prompts: Mapping[str, NDArray[np.float32]],
    facts: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Write a cell's four files; return the content of metrics.json.

    `prompts` are [m, d] each; a method without any writes a file without tensors. `facts` are the
    last keys of metrics.json, without those that are empty.
    """
    path = folder / "predictions.parquet"
    write_table(predictions, path, PREDICTIONS)
    epochs, kept = history.epochs, history.kept
    write_csv(epochs, folder / "history.csv")
    with atomic(folder / "prompt.safetensors") as temporary:
        temporary.write_bytes(save(dict(prompts)))
    metrics = {
        **cell_metrics(predictions),
        "dev_accuracy": float(epochs.set_index("epoch").dev_accuracy[kept]),
        "kept_epoch": kept,
        "updates": int(epochs.updates.iloc[-1]),
        "predictions_sha256": sha256(path),
        **{key: dict(values) for key, values in facts.items() if values},
    }
    write_json(metrics, folder / "metrics.json")
    return metrics
