"""Translations that somebody brings along: CSV or Parquet, a row for each pair and language.

Columns pair_id, language, target_premise, target_hypothesis, as data/paws15/pairs.parquet has
them; where it has premise and hypothesis too, they must be those of the pair.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipeline.corpora.leaks import normal
from pipeline.errors import InputError
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.sentences import SIDES, Answer, Check, Sentence

COLUMNS = ("pair_id", "language", "target_premise", "target_hypothesis")
MISSING = "not in the file"


class FileEngine:
    """Looks translations up in a file; see Engine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        rows = _read(path)
        self._rows = {(row.pair_id, row.language): row for row in rows.itertuples()}
        self.version = f"{path}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the whole pool: what the file lacks shows by pair; see Engine.usable."""
        there = {language for _, language in self._rows}
        for code in languages:
            if code not in there:
                raise InputError(
                    f"{self._path}: expected translations into {', '.join(languages)}, "
                    f"found none into {code}"
                )
        return pool

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Look sentences up; see Engine.known.

        Raises:
            InputError: the file holds another English sentence for a pair.
        """
        found = {}
        for one in sentences:
            row = self._rows.get((one.pair_id, one.language))
            if row is None:
                found[one] = Answer(None, MISSING)
                continue
            english = getattr(row, one.side, one.text)
            if normal(english) != normal(one.text):
                raise InputError(
                    f"{self._path}: {one.pair_id} in {one.language}: expected the {one.side} "
                    f"{one.text[:40]!r}, found {english[:40]!r}"
                )
            text = getattr(row, f"target_{one.side}")
            found[one] = Answer(text, check(one, text))
        return found

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Ask nobody: `known` knows all that the file holds."""

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return nothing: nobody was asked."""
        del sentences
        return {}


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(
            f"params.yaml: paws15.translation.file: expected a CSV or Parquet file, found no {path}"
        )
    try:
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path)
        else:
            # Words such as "None" and "NA" are text here.
            rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError, pa.ArrowInvalid):
        raise InputError(f"{path}: expected CSV in UTF-8, or Parquet, found neither") from None
    for column in COLUMNS:
        if column not in rows.columns:
            raise InputError(
                f"{path}: expected a column {column}, found {', '.join(map(str, rows.columns))}"
            )
    columns = [*COLUMNS, *(side for side in SIDES if side in rows.columns)]
    rows = rows[columns].astype(object).fillna("").astype(str)
    repeated = rows.duplicated(["pair_id", "language"])
    if repeated.any():
        row = rows[repeated].iloc[0]
        raise InputError(
            f"{path}: expected each pair once in a language, found {row.pair_id} in "
            f"{row.language} twice"
        )
    return rows


def build(params: Params) -> FileEngine:
    """Return the engine over `paws15.translation.file`.

    Raises:
        InputError: there is no such file, or it has another form.
    """
    file = params.paws15.translation.file
    if file is None:
        raise InputError(
            "params.yaml: paws15.translation.file: expected a CSV or Parquet file for engine "
            "file, found nothing"
        )
    return FileEngine(Path(file))
