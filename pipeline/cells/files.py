"""What a cell writes: where it is stored, and in which form."""

from pathlib import Path

import pyarrow as pa

from pipeline.artifacts import TEXT, WORD, table

RUNS = Path("data/runs")
CIRCUMSTANCES = Path("data/circumstances")

PREDICTIONS = table(
    {
        "language": WORD,
        "pair_id": TEXT,
        "label": pa.int8(),
        "predicted": pa.int8(),
        "p_entailment": pa.float32(),
        "p_neutral": pa.float32(),
        "p_contradiction": pa.float32(),
    },
    "language",
    "pair_id",
)
"""data/runs/*/k*/s*/predictions.parquet; the probabilities of a row sum to 1."""


def run_folder(run: str, shots: int, seed: int) -> Path:
    """Return the folder of one cell, data/runs/mpt/k16/s1."""
    return RUNS / run / f"k{shots}" / f"s{seed}"


def circumstances_path(run: str, shots: int, seed: int) -> Path:
    """Return the file of what differs from one training of a cell to the next: times, machine."""
    return CIRCUMSTANCES / run / f"k{shots}" / f"s{seed}.json"
