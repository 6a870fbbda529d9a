"""Files of sentence pairs, read and written in chunks: CSV, TSV, JSONL and Parquet.

A row keeps all its columns. In CSV and TSV every value is text; TSV has no quotes, so that a
sentence may begin with one.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError, RunError

Row: TypeAlias = dict[str, Any]
Chunks: TypeAlias = Iterator[list[Row]]
Write: TypeAlias = Callable[[list[Row]], None]

CHUNK = 4_096
"""Rows that are in memory at once."""

KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""The kinds of files by suffix."""

TEXT_KINDS = ("csv", "tsv", "jsonl")
"""The kinds that a stream may have."""


@dataclass(frozen=True)
class Source:
    """Where rows come from.

    Attributes:
        place: for messages.
        rows: about how many there are; 0 if that is not known.
        chunks: the rows.
        types: of the columns, if the file says so.
    """

    place: str
    rows: int
    chunks: Chunks
    types: Mapping[str, pa.DataType] = field(default_factory=dict)


def kind_of(path: Path) -> str:
    """Return the kind of a file; raise an InputError if its suffix is of none."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: expected a file named {', '.join(f'*{suffix}' for suffix in KINDS)}, found "
            f"{path.suffix or 'no ending'}"
        )
    return kind


def one_pair(premise: str, hypothesis: str) -> Source:
    """Return a single pair."""
    row = {"premise": premise, "hypothesis": hypothesis}
    return Source("the pair", 1, iter([[row]]))


def read_file(path: Path) -> Source:
    """Return a file's rows.

    Raises:
        InputError: there is no such file, or it is of no known kind; while it is read: it is
            broken.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise InputError(f"{path}: expected a file with sentence pairs, found no such file")
    if kind == "parquet":
        return _read_parquet(path)
    with path.open("rb") as file:
        lines = sum(part.count(b"\n") for part in iter(lambda: file.read(2**20), b""))
    return Source(str(path), lines if kind == "jsonl" else lines - 1, _opened(path, kind))


def _opened(path: Path, kind: str) -> Chunks:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from read_stream(file, kind, place=str(path))


def read_stream(stream: IO[str], kind: str, *, place: str) -> Chunks:
    """Yield the rows of a stream of text in chunks.

    Raises:
        InputError: a line is broken.
    """
    rows = _json_rows(stream, place) if kind == "jsonl" else _csv_rows(stream, kind, place)
    try:
        while chunk := list(islice(rows, CHUNK)):
            yield chunk
    except UnicodeDecodeError:
        raise InputError(f"{place}: expected text in UTF-8, found other bytes") from None


def _csv_rows(stream: IO[str], kind: str, place: str) -> Iterator[Row]:
    quoted = kind == "csv"
    reader = csv.reader(
        stream,
        delimiter="," if quoted else "\t",
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=quoted,
    )
    try:
        header = next(reader, [])
        if len(set(header)) < len(header):
            raise InputError(f"{place}, line 1: expected different columns, found one twice")
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise InputError(
                    f"{place}, line {reader.line_num}: expected {len(header)} columns as in line "
                    f"1, found {len(values)}"
                )
            yield dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{place}, line {reader.line_num}: expected {kind.upper()}, found {error}"
        ) from None


def _json_rows(stream: IO[str], place: str) -> Iterator[Row]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{place}, line {number}: expected JSON, found {error.msg.lower()}"
            ) from None
        if not isinstance(row, dict):
            raise InputError(
                f"{place}, line {number}: expected keys and values, found {type(row).__name__}"
            )
        yield row


def _read_parquet(path: Path) -> Source:
    try:
        # Without a size of the buffer, a column of a row group is read at once.
        file = pq.ParquetFile(path, buffer_size=2**20, page_checksum_verification=True)
    except (pa.ArrowInvalid, OSError):
        raise InputError(f"{path}: expected a Parquet file, found something else") from None

    def chunks() -> Chunks:
        try:
            for batch in file.iter_batches(batch_size=CHUNK):
                yield batch.to_pylist()
        except (pa.ArrowInvalid, OSError):
            raise InputError(f"{path}: expected a Parquet file, found a damaged one") from None

    types = {one.name: one.type for one in file.schema_arrow}
    return Source(str(path), file.metadata.num_rows, chunks(), types)


@contextmanager
def writer(path: Path, kind: str, *, types: Mapping[str, pa.DataType]) -> Iterator[Write]:
    """Yield a function that adds rows, all with the columns of the first ones, to a new file.

    `types` are those of columns in Parquet; others have the types of their first values.

    Raises:
        RunError: a value does not fit the column's first values.
    """
    if kind == "parquet":
        with _parquet_writer(path, types) as write:
            yield write
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        yield _json_writer(file) if kind == "jsonl" else _csv_writer(file, kind)


def _json_writer(file: IO[str]) -> Write:
    def write(rows: list[Row]) -> None:
        file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)

    return write


def _csv_writer(file: IO[str], kind: str) -> Write:
    columns: list[str] = []

    def write(rows: list[Row]) -> None:
        if not columns:
            columns.extend(dict.fromkeys(name for row in rows for name in row))
            add(columns)
        for row in rows:
            add([row.get(name) for name in columns])

    def add(values: list[Any]) -> None:
        if kind == "csv":
            table.writerow(values)
        else:  # which has no way to write tabs and line ends
            texts = ("" if value is None else " ".join(str(value).split()) for value in values)
            file.write("\t".join(texts) + "\n")

    table = csv.writer(file, lineterminator="\n")
    return write


@contextmanager
def _parquet_writer(path: Path, types: Mapping[str, pa.DataType]) -> Iterator[Write]:
    files: list[pq.ParquetWriter] = []

    def write(rows: list[Row]) -> None:
        try:
            if not files:
                first = pa.Table.from_pylist(rows).schema
                kinds = [(one.name, types.get(one.name, one.type)) for one in first]
                files.append(pq.ParquetWriter(path, pa.schema(kinds)))
            table = pa.Table.from_pylist(rows, schema=files[0].schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            reason = str(error).partition("\n")[0]
            raise RunError(f"Parquet: expected one type per column, found {reason}") from None
        files[0].write_table(table)

    try:
        yield write
    finally:
        for file in files:
            file.close()


def with_columns(rows: list[Row], columns: Mapping[str, list[Any]]) -> list[Row]:
    """Return rows with further columns behind their own."""
    return [
        row | {name: values[at] for name, values in columns.items()} for at, row in enumerate(rows)
    ]
