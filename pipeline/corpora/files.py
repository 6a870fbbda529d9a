"""The files of text that cells read: their places and columns."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipeline.artifacts import TEXT, WORD, read_table, table
from pipeline.errors import InputError

CORPORA = Path("data/corpora")
FEWSHOT = Path("data/fewshot")
TRANSLATED = Path("data/translated")
PAWS15 = Path("data/paws15")
UNLABELLED = Path("data/unlabelled")

_TEXTS = {"premise": TEXT, "hypothesis": TEXT}
_PAIR = {"pair_id": TEXT, **_TEXTS}
_TARGETS = {"target_premise": TEXT, "target_hypothesis": TEXT}
_PARALLEL = {"pair_id": TEXT, "language": WORD, **_TEXTS, **_TARGETS}

EXAMPLES = table({"language": WORD, **_PAIR, "label": pa.int8()}, "language", "pair_id")
"""data/corpora/{train,dev,test}.parquet; label ids as in LABELS of pipeline/params/runs.py."""

ENGLISH_PAIRS = table(_PAIR, "pair_id")
"""data/corpora/pairs_en.parquet: the pool of English pairs."""

SPLITS = table({"split": WORD, **_PAIR, "label": pa.int8()}, "split", "pair_id")
"""data/fewshot/k*.parquet; split is train or dev, or train@3 and dev@3 with a split per seed."""

PARALLEL_PAIRS = table({**_PARALLEL, "engine": WORD}, "pair_id")
"""data/paws15/pairs.parquet and data/unlabelled/pairs.parquet."""

TRANSLATED_SPLITS = table({"split": WORD, **_PARALLEL}, "split", "pair_id")
"""data/translated/k*.parquet: the training pairs of a split, each in one language."""


def read_fewshot(shots: int, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the train and dev parts of the k-shot split for a training seed.

    Raises:
        InputError: there is no such file, or it has splits per seed and none for this one.
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
