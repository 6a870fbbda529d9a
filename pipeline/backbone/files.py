"""Where backbones and the tokens of the test text are stored, and in which form."""

from pathlib import Path

import pyarrow as pa

from pipeline.artifacts import TEXT, table

BACKBONES = Path("data/backbones")
TOKENS = Path("data/tokens")

_IDS = pa.list_(pa.field("element", pa.int32(), nullable=False))

TOKENIZED = table({"text": TEXT, "ids": _IDS}, "text")
"""data/tokens/*.parquet; the note `tokenizer` identifies the tokenizer (backbone/tokens.py)."""


def backbone_folder(name: str) -> Path:
    """Return the folder of a backbone, data/backbones/base."""
    return BACKBONES / name


def source_path(folder: Path) -> Path:
    """Return the file beside a backbone's folder that says where it is from.

    It holds the backbone's block in params.yaml, the commit of a Hub repository, and `sha256`: of
    each file by name.
    """
    return folder.with_name(f"{folder.name}.json")


def tokens_path(name: str) -> Path:
    """Return the file of the test text in a backbone's tokens, data/tokens/base.parquet."""
    return TOKENS / f"{name}.parquet"
