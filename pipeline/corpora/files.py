"""The files of text that cells read: their places and columns."""

from pathlib import Path

import pyarrow as pa

from pipeline.artifacts import TEXT, WORD, table

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
