"""Translations from a file with a row for each pair and language: CSV, TSV, JSONL or Parquet.

Its columns are pair_id, language, target_premise, target_hypothesis, as in
data/paws15/pairs.parquet. If it has premise and hypothesis too, they must match the pair's.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.corpora.leaks import normal
from pipeline.corpora.lines import SEPARATORS, read_objects, require_same_fields
from pipeline.errors import InputError
from pipeline.files import reading, sha256
from pipeline.hub.names import translations_file
from pipeline.params.whole import Params
from pipeline.translation.checks import normalized
from pipeline.translation.engines import Engine
from pipeline.translation.sentences import SIDES, Answer, Check, Sentence

COLUMNS = ("pair_id", "language", "target_premise", "target_hypothesis")


class FileEngine(Engine):
    """Looks translations up in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = {(row.pair_id, row.language): row for row in _read(path).itertuples()}
        self.version = f"{path}, SHA-256 {sha256(path)}"

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the whole pool; `known` names the pairs that the file lacks."""
        for code in languages:
            if not any(code == language for _, language in self._rows):
                raise InputError(
                    f"{self._path}: expected translations into {', '.join(languages)}, "
                    f"found none into {code}"
                )
        return pool

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Look sentences up, or raise InputError if the file has other English; see Engine."""
        answers = {}
        for sentence in sentences:
            row = self._rows.get((sentence.pair_id, sentence.language))
            if row is None:
                answers[sentence] = Answer(None, "not in the file")
                continue
            english = getattr(row, sentence.side, sentence.text)
            if normal(english) != normal(sentence.text):
                raise InputError(
                    f"{self._path}: {sentence.pair_id} in {sentence.language}: expected the "
                    f"{sentence.side} {sentence.text[:40]!r}, found {english[:40]!r}"
                )
            text = normalized(getattr(row, f"target_{sentence.side}"))
            answers[sentence] = Answer(text, check(sentence, text))
        return answers


def _read(path: Path) -> pd.DataFrame:
    """Read a file; all its columns are text, in which "None" and "NA" are words."""
    form = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if form in SEPARATORS:
        separator = SEPARATORS[form]
        require_same_fields(path, separator)
        rows = pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    elif form == "jsonl":
        rows = pd.DataFrame(read_objects(path))
    elif form in {"parquet", "pq"}:
        with reading(path, "a Parquet file", expected="translations"):
            rows = pd.read_parquet(path, page_checksum_verification=True)
    else:
        raise InputError(
            f"{path}: expected a file .csv, .tsv, .jsonl (or these with .gz), .parquet or .pq, "
            f"found another ending"
        )
    names = ", ".join(map(str, rows.columns))
    for column in COLUMNS:
        if column not in rows.columns:
            raise InputError(f"{path}: expected a column {column}, found {names}")
    columns = [*COLUMNS, *(side for side in SIDES if side in rows.columns)]
    rows = rows[columns].astype(object).fillna("").astype(str)
    for again in rows[rows.duplicated(["pair_id", "language"])].itertuples():
        raise InputError(
            f"{path}: expected each pair once in a language, found {again.pair_id} in "
            f"{again.language} twice"
        )
    return rows


def build(params: Params) -> FileEngine:
    """Return the engine, or raise InputError without a file of the right form."""
    return FileEngine(translations_file(params.paws15))
