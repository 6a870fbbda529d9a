"""The engine that translates nothing: row-aligned translations that the dataset brings along.

PAWS-X holds human translations of its validation and test splits into de, es, fr and zh.
"""

from collections.abc import Sequence
from functools import cache

import pandas as pd

from pipeline.corpora.pairs import is_text, read_paws_x
from pipeline.errors import InputError
from pipeline.params.text import PairSource
from pipeline.params.whole import Params
from pipeline.progress import Progress
from pipeline.translation.sentences import Answer, Check, Sentence


class DatasetEngine:
    """Reads a pair's translation from the same row of the dataset's own language."""

    def __init__(self, source: PairSource, language: str) -> None:
        self.version = source.path + (f"@{source.revision}" if source.revision else "")
        self._source = source
        self._rows = cache(self._read)
        self._ids = read_paws_x(source, language).set_index("pair_id").id

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs that have text in every language; see Engine.usable."""
        for code in languages:
            rows = self._rows(code)
            has_text = is_text(rows.premise) & is_text(rows.hypothesis)
            pool = pool[pool.pair_id.isin(has_text.index[has_text])]
        return pool

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Look sentences up; see Engine.known. A person's translation is not checked."""
        del check
        return {
            one: Answer(str(self._rows(one.language).loc[one.pair_id][one.side]))
            for one in sentences
        }

    def ask(self, sentences: Sequence[Sentence], check: Check, progress: Progress) -> str | None:
        """Ask nobody: `known` knows all of them."""

    def refusals(self, sentences: Sequence[Sentence]) -> dict[str, int]:
        """Return nothing: nobody was asked."""
        del sentences
        return {}

    def _read(self, language: str) -> pd.DataFrame:
        rows = read_paws_x(self._source, language).set_index("pair_id")
        if not rows.id.equals(self._ids):
            raise InputError(
                f"{self._source.path}: expected in {language} the rows of the source language "
                f"in their order, found other ids"
            )
        return rows


def build(params: Params) -> DatasetEngine:
    """Return the engine over datasets.paws_x."""
    return DatasetEngine(params.datasets.paws_x, params.languages.source)
