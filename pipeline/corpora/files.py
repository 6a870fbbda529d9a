"""The text that cells read: where it is stored, and in which form."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipeline.artifacts import TEXT, WORD, read_table, table
from pipeline.errors import InputError

CORPORA = Path("data/corpora")
FEWSHOT = Path("data/fewshot")
TRANSLATED = Path("data/translated")
PAWS15 = Path("data/paws15")

_PAIR = {"pair_id": TEXT, "premise": TEXT, "hypothesis": TEXT}

EXAMPLES = table({"language": WORD, **_PAIR, "label": pa.int8()}, "language", "pair_id")
"""data/corpora/{train,dev,test}.parquet; label ids as in blocks.LABELS."""

ENGLISH_PAIRS = table(_PAIR, "pair_id")
"""data/corpora/pairs_en.parquet: the pool of English pairs."""

SPLITS = table({"split": WORD, **_PAIR, "label": pa.int8()}, "split", "pair_id")
"""data/fewshot/k*.parquet; split is train or dev (train@3, dev@3 where each seed has its own)."""

PARALLEL_PAIRS = table(
    {
        "pair_id": TEXT,
        "language": WORD,
        "premise": TEXT,
        "hypothesis": TEXT,
        "target_premise": TEXT,
        "target_hypothesis": TEXT,
        "engine": WORD,
    },
    "pair_id",
)
"""data/paws15/pairs.parquet."""

TRANSLATED_SPLITS = table(
    {
        "split": WORD,
        "pair_id": TEXT,
        "language": WORD,
        "premise": TEXT,
        "hypothesis": TEXT,
        "target_premise": TEXT,
        "target_hypothesis": TEXT,
    },
    "split",
    "pair_id",
)
"""data/translated/k*.parquet: the train parts of a split, each pair in one language."""


def read_fewshot(shots: int, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the train and the dev part of the k-shot split that a training seed uses.

    Raises:
        InputError: there is no such file, or splits were drawn for each seed and not for this.
    """
    path = FEWSHOT / f"k{shots}.parquet"
    frame = read_table(path, SPLITS)
    names, parts = set(frame.split), []
    for name in ("train", "dev"):
        wanted = name if name in names else f"{name}@{seed}"
        if wanted not in names:
            raise InputError(
                f"{path}: expected a {name} split for seed {seed}, found "
                f"{', '.join(sorted(names))} (is the seed in params.yaml's grid.seeds?)"
            )
        parts.append(frame[frame.split == wanted].reset_index(drop=True))
    return parts[0], parts[1]
