"""The text that methods train on."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import pandas as pd


class Labelled(NamedTuple):
    """A sentence pair in the source language with its label id."""

    premise: str
    hypothesis: str
    label: int


class Parallel(NamedTuple):
    """A sentence pair in the source language and its translation into `language`."""

    language: str
    premise: str
    hypothesis: str
    target_premise: str
    target_hypothesis: str


class TrainingText(NamedTuple):
    """All the text that a method may train on."""

    labelled: Sequence[Labelled]
    parallel: Sequence[Parallel]

    @classmethod
    def of(cls, split: pd.DataFrame, pairs: pd.DataFrame) -> Self:
        """Return the text of the train part of a k-shot split and of a run's parallel pairs."""
        texts, parallel = split[[*Labelled._fields]], pairs[[*Parallel._fields]]
        return cls(
            [Labelled(*row) for row in texts.itertuples(index=False, name=None)],
            [Parallel(*row) for row in parallel.itertuples(index=False, name=None)],
        )
