"""Guards against test text in training: every training set is checked against the test set."""

import pandas as pd

from pipeline.errors import InputError


def normal(sentence: str) -> str:
    """Return a sentence with folded case and single spaces."""
    return " ".join(sentence.casefold().split())


def pair_texts(frame: pd.DataFrame) -> pd.Index:
    """Return a key of each row's premise and hypothesis that ignores spaces and case."""
    return pd.Index(frame.premise.map(normal) + "\x1f" + frame.hypothesis.map(normal))


def refuse_pairs_of(held_out: pd.DataFrame, frame: pd.DataFrame, *, place: str, of: str) -> None:
    """Check that training text shares no premise-hypothesis pair with held-out text.

    Raises:
        InputError: names the first shared pair, the frame's `place`, and what it is a pair `of`.
    """
    seen = pair_texts(frame).isin(pair_texts(held_out))
    if seen.any():
        row = frame.iloc[int(seen.argmax())]
        raise InputError(
            f"{place}: expected no text of {of}, found the pair {row.pair_id} in it "
            f"({row.premise[:40]!r}, {row.hypothesis[:40]!r})"
        )


def in_sentences_of(held_out: pd.DataFrame, sentences: pd.Series) -> pd.Series:
    """Return which sentences are a premise or hypothesis of held-out text."""
    known = set(held_out.premise.map(normal)) | set(held_out.hypothesis.map(normal))
    return sentences.map(normal).isin(known)
