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
    """Raise an InputError if text from `place` shares a pair with held-out text (`of` what)."""
    seen = pair_texts(frame).isin(pair_texts(held_out))
    if seen.any():
        row = frame.iloc[int(seen.argmax())]
        raise InputError(
            f"{place}: expected no text of {of}, found the pair {row.pair_id} in it "
            f"({row.premise[:40]!r}, {row.hypothesis[:40]!r})"
        )


def sentences_of(held_out: pd.DataFrame) -> frozenset[str]:
    """Return the premises and hypotheses of held-out text, each as `normal` returns it."""
    return frozenset({*held_out.premise.map(normal), *held_out.hypothesis.map(normal)})


def sentences_by_language(test: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the sentences of a test set (language, premise, hypothesis); see `sentences_of`."""
    by_language = test.groupby("language", observed=True)
    return {str(language): sentences_of(rows) for language, rows in by_language}
