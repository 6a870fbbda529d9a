"""The dataset's own translations: row i of a language translates row i of the others.

PAWS-X has human translations of its validation and test splits into de, es, fr and zh.
"""

from collections.abc import Sequence
from functools import cache

import pandas as pd

from pipeline.corpora.pairs import is_text, read_paws_x
from pipeline.errors import InputError
from pipeline.hub.files import pinned
from pipeline.params.text import PairSource
from pipeline.params.whole import Params
from pipeline.translation.engines import Engine
from pipeline.translation.sentences import Answer, Check, Sentence


class DatasetEngine(Engine):
    """Looks translations up in the dataset, and takes them as they are."""

    normalization = None

    def __init__(self, source: PairSource, language: str) -> None:
        commit = pinned(source, kind="dataset", key="datasets.paws_x").get("commit")
        revision = commit or source.revision
        self.version = source.path + (f"@{revision}" if revision else "")
        self._source, self._rows = source, cache(self._read)
        self._ids = read_paws_x(source, language).set_index("pair_id").id

    def usable(self, pool: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
        """Return the pairs that have text in every language; see Engine.usable."""
        for code in languages:
            rows = self._rows(code)
            has_text = is_text(rows.premise) & is_text(rows.hypothesis)
            pool = pool[pool.pair_id.isin(has_text.index[has_text])]
        return pool

    def known(self, sentences: Sequence[Sentence], check: Check) -> dict[Sentence, Answer]:
        """Look sentences up; see Engine.known. Human translations are not checked."""
        del check
        return {
            item: Answer(str(self._rows(item.language).loc[item.pair_id, item.side]))
            for item in sentences
        }

    def _read(self, language: str) -> pd.DataFrame:
        rows = read_paws_x(self._source, language).set_index("pair_id")
        if not rows.id.equals(self._ids):
            raise InputError(
                f"{self._source.path}: expected in {language} the rows of the source language "
                f"in their order, found other ids"
            )
        return rows


def build(params: Params) -> DatasetEngine:
    """Return the engine for datasets.paws_x."""
    return DatasetEngine(params.datasets.paws_x, params.languages.source)
