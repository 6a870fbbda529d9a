"""The pool of English pairs: PAWS-X, cleaned."""

import pandas as pd

from pipeline.corpora.leaks import bare, bare_pairs, is_blank, sentences_of
from pipeline.corpora.sources import read_split
from pipeline.params.text import PairSource

COLUMNS = ("sentence1", "sentence2", "id")
PLACEHOLDER = "NS"
"""PAWS-X's text for a sentence that was not translated."""


def is_text(sentences: pd.Series) -> pd.Series:
    """Return which sentences are neither blank nor PAWS-X's placeholder."""
    lacking = sentences.fillna("").map(lambda text: is_blank(text) or text.strip() == PLACEHOLDER)
    return ~lacking.astype(bool)  # without sentences it would be text


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


def clean_pool(pool: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out blank and placeholder text, repeated pairs, and sentences of the test set.

    Pool (pair_id, premise, hypothesis) and test set are in the source language. Return the rest,
    and how many pairs were left out by reason.
    """
    held_out = sentences_of(test)
    is_pair = is_text(pool.premise) & is_text(pool.hypothesis)
    texts = pool[is_pair]
    first = texts[~bare_pairs(texts).duplicated()]
    leaked = first.premise.map(bare).isin(held_out) | first.hypothesis.map(bare).isin(held_out)
    clean = first[~leaked][["pair_id", "premise", "hypothesis"]].reset_index(drop=True)
    left_out = {
        "blank": len(pool) - len(texts),
        "repeated": len(texts) - len(first),
        "in the test": int(leaked.sum()),
    }
    return clean, left_out
