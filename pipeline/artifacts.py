"""Every file that stages exchange: its place, its schema, atomic write, validated read."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError

CORPORA = Path("data/corpora")
BACKBONE = Path("data/backbone")
TOKENS = Path("data/tokens")
FEWSHOT = Path("data/fewshot")
PAWS15 = Path("data/paws15")
JOURNAL = Path("data/translations/journal.sqlite")
RUNS = Path("data/runs")
CIRCUMSTANCES = Path("data/circumstances")
RESULTS = Path("results")

_TEXT = pa.string()
_WORD = pa.dictionary(pa.int32(), pa.string())
_IDS = pa.list_(pa.field("element", pa.int32(), nullable=False))


@dataclass(frozen=True)
class Table:
    """The form of a Parquet file: columns, their types, and the columns that name a row."""

    schema: pa.Schema
    key: tuple[str, ...]


def _table(columns: Mapping[str, pa.DataType], *key: str) -> Table:
    fields = [pa.field(name, kind, nullable=False) for name, kind in columns.items()]
    return Table(pa.schema(fields), key)


_PAIR = {"pair_id": _TEXT, "premise": _TEXT, "hypothesis": _TEXT}

EXAMPLES = _table({"language": _WORD, **_PAIR, "label": pa.int8()}, "language", "pair_id")
"""data/corpora/{train,dev,test}.parquet; label ids as in blocks.LABELS."""

ENGLISH_PAIRS = _table(_PAIR, "pair_id")
"""data/corpora/pairs_en.parquet: the pool of English pairs."""

SPLITS = _table({"split": _WORD, **_PAIR, "label": pa.int8()}, "split", "pair_id")
"""data/fewshot/k*.parquet; split is train or dev (train@3, dev@3 where each seed has its own)."""

PARALLEL_PAIRS = _table(
    {
        "pair_id": _TEXT,
        "language": _WORD,
        "premise": _TEXT,
        "hypothesis": _TEXT,
        "target_premise": _TEXT,
        "target_hypothesis": _TEXT,
        "engine": _WORD,
    },
    "pair_id",
)
"""data/paws15/pairs.parquet."""

TOKENIZED = _table({"text": _TEXT, "ids": _IDS}, "text")
"""data/tokens/test.parquet; the note `tokenizer` says whose ids they are (prompting/tokens.py)."""

PREDICTIONS = _table(
    {
        "language": _WORD,
        "pair_id": _TEXT,
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
    """Return where the circumstances of one cell are, data/circumstances/mpt/k16/s1.json."""
    return CIRCUMSTANCES / run / f"k{shots}" / f"s{seed}.json"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and rename it once the block has ended well.

    A block that fails leaves neither a part of the file nor the temporary one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


TRANSLATED_SPLITS = _table(
    {
        "split": _WORD,
        "pair_id": _TEXT,
        "language": _WORD,
        "premise": _TEXT,
        "hypothesis": _TEXT,
        "target_premise": _TEXT,
        "target_hypothesis": _TEXT,
    },
    "split",
    "pair_id",
)
"""data/fewshot/k*_translations.parquet: the train parts of a split, each pair in one language."""


def write_table(
    frame: pd.DataFrame, path: Path, form: Table, *, notes: Mapping[str, str] | None = None
) -> None:
    """Write the form's columns of a frame as Parquet.

    The same rows and notes give the same bytes: nothing of pandas (index, categories, versions)
    goes along.

    Args:
        frame: has the form's columns.
        path: the file.
        form: its columns.
        notes: what is to be said of the rows as a whole, in the file's metadata; `read_notes`.

    Raises:
        ValueError: a column is missing, has nulls or another type, or the key repeats.
    """
    columns = frame[form.schema.names]
    if columns.isna().to_numpy().any():
        raise ValueError(f"{path}: a value is missing")
    if columns.duplicated(list(form.key)).any():
        raise ValueError(f"{path}: {', '.join(form.key)} repeats")
    # A category's unused or reordered words would otherwise show in the bytes.
    words = [field.name for field in form.schema if field.type == _WORD]
    columns = columns.astype(dict.fromkeys(words, object))
    table = pa.Table.from_pandas(columns, schema=form.schema, preserve_index=False)
    with atomic(path) as temporary:
        pq.write_table(table.replace_schema_metadata(dict(notes or {}) or None), temporary)


def read_table(path: Path, form: Table) -> pd.DataFrame:
    """Read a Parquet file that a stage wrote.

    Raises:
        InputError: the file is missing, is no Parquet, its columns are others, or values lack.
    """
    frame: pd.DataFrame = read_arrow(path, form).to_pandas()
    return frame


def read_arrow(path: Path, form: Table) -> pa.Table:
    """Read a Parquet file that a stage wrote and leave it in Arrow's memory.

    For lists of numbers, of which pandas would make a Python object each.

    Raises:
        InputError: the file is missing, is no Parquet, its columns are others, or values lack.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the output of an earlier stage, found no such file")
    try:
        there = set(pq.read_schema(path).names)
        table = pq.read_table(path, columns=[c for c in form.schema.names if c in there])
    except pa.ArrowInvalid:
        raise InputError(f"{path}: expected a Parquet file, found something else") from None
    expected = {field.name: field.type for field in form.schema}
    found = {field.name: field.type for field in table.schema}
    for name, kind in expected.items():
        if found.get(name) != kind:
            raise InputError(
                f"{path}: column {name}: expected {kind}, found {found.get(name, 'no such column')}"
            )
        if table[name].null_count:
            raise InputError(
                f"{path}: column {name}: expected a value in each row, "
                f"found {table[name].null_count} without"
            )
    return table.select(form.schema.names)


def read_notes(path: Path) -> dict[str, str]:
    """Read the notes that a stage wrote into a Parquet file; none where it wrote none.

    Raises:
        InputError: the file is missing or is no Parquet.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the output of an earlier stage, found no such file")
    try:
        metadata = pq.read_schema(path).metadata or {}
    except pa.ArrowInvalid:
        raise InputError(f"{path}: expected a Parquet file, found something else") from None
    return {key.decode(): value.decode() for key, value in metadata.items()}


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


def write_json(value: object, path: Path) -> None:
    """Write a value as indented JSON in UTF-8, keys in the order given."""
    with atomic(path) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file that a stage wrote.

    Raises:
        InputError: the file is missing or is no JSON.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the output of an earlier stage, found no such file")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: expected JSON, found {error.msg}") from None


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, full precision, no index."""
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def write_text(text: str, path: Path) -> None:
    """Write text in UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
