"""XNLI's own translations of its training pairs: the configuration `all_languages`.

On the Hub these are four files of 239 MB, each row a pair in all languages. Few rows are wanted:
row groups without any are passed over, the others are read in pieces.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpora.leaks import normal
from pipeline.corpora.sources import split_files
from pipeline.errors import InputError
from pipeline.params.text import Source
from pipeline.progress import Progress, silent

CONFIG, SPLIT = "all_languages", "train"
PIECE = 1000
"""Rows that are in memory at a time."""

Pair = tuple[str | None, str | None]
"""Premise and hypothesis; None where there is none."""


def read_translations(
    source: Source,
    pairs: pd.DataFrame,
    *,
    english: str,
    languages: Sequence[str],
    progress: Progress = silent,
) -> pd.DataFrame:
    """Read the translations of some pairs of XNLI's training set.

    Args:
        source: where XNLI lies.
        pairs: pair_id (`train-7` is row 7 of the training set), premise, hypothesis.
        english: the language of the pairs; by their text the rows are checked.
        languages: the languages wanted.
        progress: told of each pair.

    Returns:
        pair_id, language, premise, hypothesis: every pair in every language, None where a
        sentence is missing.

    Raises:
        InputError: there are no such files, their columns or languages are others, or a row
            does not hold the pair that it should.
        RunError: the Hub cannot be reached.
    """
    note = "" if source.is_folder else "at first a gigabyte comes from the Hub"
    progress("translations", 0, len(pairs), note)
    files = split_files(source, config=CONFIG, split=SPLIT, key="datasets.xnli")
    place = f"{source.path}: {CONFIG}/{SPLIT}"
    ours = pairs.drop_duplicates("pair_id").set_index("pair_id")
    rows = {int(pair_id.removeprefix("train-")): pair_id for pair_id in ours.index}
    found = []
    for row, texts in _read(files, sorted(rows), (english, *languages), place=place):
        pair_id = rows.pop(row)
        _require_same(ours.loc[pair_id], texts[english], place=f"{place}, row {row}")
        found += [(pair_id, code, *texts[code]) for code in languages]
        progress("translations", len(ours) - len(rows), len(ours))
    for row, pair_id in rows.items():
        raise InputError(f"{place}: expected a row {row} for the pair {pair_id}, found fewer rows")
    return pd.DataFrame(found, columns=["pair_id", "language", "premise", "hypothesis"])


def _require_same(ours: "pd.Series[Any]", theirs: Pair, *, place: str) -> None:
    """Check by the text of the source language, spaces and case aside, that a row is a pair."""
    for column, sentence in zip(("premise", "hypothesis"), theirs, strict=True):
        if normal(ours[column]) != normal(sentence or ""):
            raise InputError(
                f"{place}: expected the {column} of {ours.name} ({ours[column][:40]!r}), "
                f"found {(sentence or '')[:40]!r}"
            )


def _read(
    files: Sequence[Path], wanted: Sequence[int], languages: Sequence[str], *, place: str
) -> Iterator[tuple[int, dict[str, Pair]]]:
    """Yield the wanted rows of all files, ascending, with their texts by language."""
    columns = [*(f"premise.{code}" for code in languages), "hypothesis"]
    first = 0
    for path in files:
        with _open(path, place) as file:
            _require_form(file.schema_arrow, languages, place)
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if any(first <= row < first + rows for row in wanted):
                    pieces = file.iter_batches(PIECE, row_groups=[group], columns=columns)
                    for row, values in _rows(pieces, wanted, first=first):
                        yield row, _by_language(values, languages)
                first += rows


def _rows(
    pieces: Iterable[pa.RecordBatch], wanted: Sequence[int], *, first: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    for piece in pieces:
        for row in wanted:
            if first <= row < first + len(piece):
                yield row, piece.slice(row - first, 1).to_pylist()[0]
        first += len(piece)


def _by_language(values: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Pair]:
    """Join the two forms: a text for each language, and a list of codes beside one of texts."""
    premises, both = values["premise"] or {}, values["hypothesis"] or {}
    hypotheses = dict(zip(both.get("language") or (), both.get("translation") or (), strict=True))
    return {code: (premises.get(code), hypotheses.get(code)) for code in languages}


def _open(path: Path, place: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        raise InputError(
            f"{place}: {path.name}: expected a Parquet file, found something else"
        ) from None


def _require_form(schema: pa.Schema, languages: Sequence[str], place: str) -> None:
    """Check that the columns are those of the Hub, with the languages wanted."""
    for column, needed in (("premise", languages), ("hypothesis", ("language", "translation"))):
        kind = schema.field(column).type if column in schema.names else None
        fields = [kind.field(n).name for n in range(kind.num_fields)] if kind else []
        for name in needed:
            if name not in fields:
                found = ", ".join(fields) or kind or "no such column"
                raise InputError(f"{place}: {column}: expected a field {name}, found {found}")
