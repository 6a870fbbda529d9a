"""No text of the test may reach training: every set that trains is checked against it."""

import pandas as pd

from pipeline.errors import InputError


def pair_texts(frame: pd.DataFrame) -> pd.Index:
    """Return each row's premise and hypothesis as one key, spaces and case aside."""
    key = frame.premise.map(normal) + "\x1f" + frame.hypothesis.map(normal)
    return pd.Index(key)


def normal(sentence: str) -> str:
    """Return a sentence with its case folded and its spaces made single."""
    return " ".join(sentence.casefold().split())


def refuse_pairs_of(held_out: pd.DataFrame, frame: pd.DataFrame, *, place: str, of: str) -> None:
    """Check that no premise-hypothesis pair of a frame is one of held-out text.

    Args:
        held_out: premise, hypothesis; the text that must not be seen.
        frame: pair_id, premise, hypothesis; the text that trains.
        place: the frame's file, for the message.
        of: what the held-out text is, for the message.

    Raises:
        InputError: names the first pair that is in both.
    """
    seen = pair_texts(frame).isin(pair_texts(held_out))
    if seen.any():
        row = frame.iloc[int(seen.argmax())]
        raise InputError(
            f"{place}: expected no text of {of}, found the pair {row.pair_id} in it "
            f"({row.premise[:40]!r}, {row.hypothesis[:40]!r})"
        )


def in_sentences_of(held_out: pd.DataFrame, sentences: pd.Series) -> pd.Series:
    """Return which of the sentences are a premise or a hypothesis of held-out text."""
    known = set(held_out.premise.map(normal)) | set(held_out.hypothesis.map(normal))
    return sentences.map(normal).isin(known)
