"""The files that stages exchange: atomic write, validated read."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError

TEXT = pa.string()
WORD = pa.dictionary(pa.int32(), pa.string())
"""Text that repeats, such as a language or the name of a split."""


class Table(NamedTuple):
    """The form of a Parquet file: its columns and types, and the columns that identify a row."""

    schema: pa.Schema
    key: tuple[str, ...]


def table(columns: Mapping[str, pa.DataType], *key: str) -> Table:
    """Return the form of a file whose columns have no missing values."""
    fields = [pa.field(name, kind, nullable=False) for name, kind in columns.items()]
    return Table(pa.schema(fields), key)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it when the block ends without an error.

    A block that fails leaves neither file behind, and an older `path` as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, which takes its place when the block ends.

    A block that fails leaves nothing behind, and an older `path` as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        folder = Path(scratch) / "new"
        folder.mkdir()
        yield folder
        if path.exists():
            path.rename(Path(scratch) / "old")
        folder.rename(path)


def write_table(
    frame: pd.DataFrame, path: Path, form: Table, *, notes: Mapping[str, str] | None = None
) -> None:
    """Write the form's columns of a frame as Parquet.

    The same rows and notes give the same bytes: nothing else of pandas (index, categories,
    versions) is written. `notes` are facts about all rows, for the file's metadata.

    Raises:
        ValueError: a column is missing, has nulls or another type, or a key repeats.
    """
    columns = frame[form.schema.names]
    if columns.isna().to_numpy().any():
        raise ValueError(f"{path}: a value is missing")
    if columns.duplicated(list(form.key)).any():
        raise ValueError(f"{path}: {', '.join(form.key)} repeats")
    # A category's unused or reordered words would otherwise change the bytes.
    words = [field.name for field in form.schema if field.type == WORD]
    columns = columns.astype(dict.fromkeys(words, object))
    rows = pa.Table.from_pandas(columns, schema=form.schema, preserve_index=False)
    with atomic(path) as temporary:
        pq.write_table(rows.replace_schema_metadata(dict(notes or {}) or None), temporary)


def read_table(path: Path, form: Table) -> pd.DataFrame:
    """Read a Parquet file that a stage wrote; see `read_arrow`."""
    frame: pd.DataFrame = read_arrow(path, form).to_pandas()
    return frame


def read_arrow(path: Path, form: Table) -> pa.Table:
    """Read a Parquet file that a stage wrote, without making Python objects of lists of numbers.

    Raises:
        InputError: the file is missing or not Parquet, or a column or value is missing or wrong.
    """
    kinds = {field.name: field.type for field in _read_schema(path)}
    for field in form.schema:
        if (kind := kinds.get(field.name, "no such column")) != field.type:
            raise InputError(f"{path}: column {field.name}: expected {field.type}, found {kind}")
    try:
        rows = pq.read_table(path, columns=form.schema.names).select(form.schema.names)
    except (pa.ArrowInvalid, OSError):
        raise InputError(f"{path}: expected a Parquet file, found a damaged one") from None
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if missing := column.null_count:
            raise InputError(
                f"{path}: column {name}: expected a value in each row, found {missing} without"
            )
    return rows


def read_notes(path: Path) -> dict[str, str]:
    """Read the notes that a stage wrote into a Parquet file, if any; raises as `read_arrow`."""
    metadata = _read_schema(path).metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items()}


def _read_schema(path: Path) -> pa.Schema:
    _require_file(path)
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError):
        raise InputError(f"{path}: expected a Parquet file, found something else") from None


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: expected the output of an earlier stage, found no such file")


def write_json(value: object, path: Path) -> None:
    """Write a value as indented JSON in UTF-8, keys in the order given."""
    write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file that a stage wrote; raise an InputError if it is missing or not JSON."""
    _require_file(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: expected JSON, found {error.msg}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected JSON in UTF-8, found other bytes") from None


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV in full precision, without its index."""
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def write_text(text: str, path: Path) -> None:
    """Write text in UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
