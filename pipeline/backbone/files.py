"""Where the backbone and the tokens of the test text are stored, and in which form."""

from pathlib import Path

import pyarrow as pa

from pipeline.artifacts import TEXT, table

BACKBONE = Path("data/backbone")
BACKBONE_SOURCE = Path("data/backbone_source.json")
"""The block `backbone` of params.yaml that data/backbone/ was made from, the commit of a Hub
repository, and `sha256`: of each file by name."""
TOKENS = Path("data/tokens")

_IDS = pa.list_(pa.field("element", pa.int32(), nullable=False))

TOKENIZED = table({"text": TEXT, "ids": _IDS}, "text")
"""data/tokens/test.parquet; the note `tokenizer` identifies the tokenizer (backbone/tokens.py)."""
