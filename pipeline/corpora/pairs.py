"""The pool of English pairs: PAWS-X, cleaned."""

import pandas as pd

from pipeline.corpora.leaks import normal, pair_texts, sentences_of
from pipeline.corpora.sources import read_split
from pipeline.params.text import PairSource

COLUMNS = ("sentence1", "sentence2", "id")
PLACEHOLDER = "NS"
"""PAWS-X's text for a sentence that was not translated."""


def is_text(sentences: pd.Series) -> pd.Series:
    """Return which sentences are neither blank nor PAWS-X's placeholder."""
    return ~sentences.fillna("").str.strip().isin(("", PLACEHOLDER))


def read_paws_x(source: PairSource, language: str) -> pd.DataFrame:
    """Read PAWS-X in one language: pair_id, id, premise, hypothesis, split after split.

    Rows with the same `pair_id` in two languages are translations of each other. A file or column
    that is missing is an InputError.
    """
    frames = []
    for split in source.splits:
        frame = read_split(
            source, config=language, split=split, key="datasets.paws_x", columns=COLUMNS
        )
        frames.append(frame.assign(pair_id=[f"{split}-{row}" for row in range(len(frame))]))
    whole = pd.concat(frames, ignore_index=True)
    whole = whole.rename(columns={"sentence1": "premise", "sentence2": "hypothesis"})
    return whole[["pair_id", "id", "premise", "hypothesis"]]


def clean_pool(pool: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Leave out blank and placeholder text, repeated pairs, and sentences of the test set.

    Pool (pair_id, premise, hypothesis) and test set are in the source language.
    """
    pool = pool[is_text(pool.premise) & is_text(pool.hypothesis)]
    pool = pool[~pair_texts(pool).duplicated()]
    held_out = sentences_of(test)
    leaked = pool.premise.map(normal).isin(held_out) | pool.hypothesis.map(normal).isin(held_out)
    return pool[~leaked][["pair_id", "premise", "hypothesis"]].reset_index(drop=True)
