"""The files that stages exchange: atomic write, validated read."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.files import atomic, reading, write_text

PARQUET = "a Parquet file"

TEXT = pa.string()
WORD = pa.dictionary(pa.int32(), pa.string())
"""Text that repeats, such as a language or the name of a split."""


SEAL = "content"
"""The note with the SHA-256 of a file's rows and other notes."""


class Table(NamedTuple):
    """The form of a Parquet file.

    Attributes:
        schema: its columns and types.
        key: the columns that identify a row.
        sealed: whether the file notes the SHA-256 of its content (SEAL), which readers compare.
    """

    schema: pa.Schema
    key: tuple[str, ...]
    sealed: bool = True


def table(columns: Mapping[str, pa.DataType], *key: str, sealed: bool = True) -> Table:
    """Return the form of a file whose columns have no missing values."""
    fields = [pa.field(name, kind, nullable=False) for name, kind in columns.items()]
    return Table(pa.schema(fields), key, sealed)


def some_columns(form: Table, *columns: str) -> Table:
    """Return the form of some columns of a file, which is over all of them sealed."""
    return Table(pa.schema([form.schema.field(name) for name in columns]), form.key, sealed=False)


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
    metadata = dict(notes or {})
    if form.sealed:
        metadata[SEAL] = _seal(rows, metadata)
    with atomic(path) as temporary:
        rows = rows.replace_schema_metadata(metadata or None)
        pq.write_table(rows, temporary, write_page_checksum=True)


def read_table(path: Path, form: Table) -> pd.DataFrame:
    """Read a Parquet file that a stage wrote; raises as `read_arrow`."""
    frame: pd.DataFrame = read_arrow(path, form).to_pandas()
    return frame


def read_arrow(path: Path, form: Table) -> pa.Table:
    """Read a Parquet file that a stage wrote, without making Python objects of lists of numbers.

    Raises:
        InputError: the file is missing or not Parquet, a column or value is missing or wrong, or
            the content is not what its stage has sealed.
    """
    with reading(path, PARQUET):
        kinds = {field.name: field.type for field in pq.read_schema(path)}
        for field in form.schema:
            if (kind := kinds.get(field.name, "no such column")) != field.type:
                raise InputError(
                    f"{path}: column {field.name}: expected {field.type}, found {kind}"
                )
        names = form.schema.names
        rows = pq.read_table(path, columns=names, page_checksum_verification=True).select(names)
        rows.validate(full=True)  # also that text is UTF-8
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if missing := column.null_count:
            raise InputError(
                f"{path}: column {name}: expected a value in each row, found {missing} without"
            )
    if form.sealed:
        _require_seal(path, rows)
    return rows


def read_notes(path: Path) -> dict[str, str]:
    """Read the notes that a stage wrote into a Parquet file, if any; raises as `read_arrow`."""
    with reading(path, PARQUET):
        notes = _notes_in(pq.read_schema(path))
    return {key: value for key, value in notes.items() if key != SEAL}


def _notes_in(schema: pa.Schema) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}


def _require_seal(path: Path, rows: pa.Table) -> None:
    with reading(path, PARQUET):
        notes = _notes_in(rows.schema)
    noted, found = notes.pop(SEAL, "none"), _seal(rows, notes)
    if noted != found:
        raise InputError(
            f"{path}: expected rows and notes of the SHA-256 that its stage wrote beside them "
            f"({noted[:12]}), found {found[:12]}: an edit, damage or an older version (dvc repro)"
        )


def _seal(rows: pa.Table, notes: Mapping[str, str]) -> str:
    """Return the SHA-256 of rows and notes, the same however a file encodes them."""
    digest = hashlib.sha256(json.dumps([rows.column_names, sorted(notes.items())]).encode())
    for column in rows.columns:
        for values in _values(column):
            digest.update(values)
    return digest.hexdigest()


def _values(column: pa.ChunkedArray) -> Iterator[Any]:
    """Yield the bytes of a column; of texts and lists, first the length of each."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    if pa.types.is_list(column.type):
        yield pc.list_value_length(column).to_numpy()
        column = pc.list_flatten(column)
    if pa.types.is_string(column.type):
        yield pc.binary_length(column).to_numpy()
        whole = pa.ListArray.from_arrays([0, len(column)], column.combine_chunks())
        yield pc.binary_join(whole, "")[0].as_buffer()
    else:
        yield column.to_numpy()


def write_json(value: object, path: Path) -> None:
    """Write a value as indented JSON in UTF-8, keys in the order given."""
    write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file that a stage wrote; raise an InputError if it is missing or not JSON."""
    with reading(path, "JSON in UTF-8"):
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            found = f"{path}, line {error.lineno}: expected JSON, found {error.msg}"
            raise InputError(found) from None


def read_object(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON file of keys and values, with at least these keys; raises as `read_json`."""
    values = read_json(path)
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected keys and values, found a {type(values).__name__}")
    for key in keys:
        if key not in values:
            raise InputError(f"{path}: expected a key {key}, found none")
    return values


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV in full precision, without its index."""
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
