"""Pairs of the real text that tests look at: chosen by rule, since no sentence is kept here."""

import unicodedata
from collections.abc import Mapping

import pandas as pd

from pipeline.backbone.tokens import Pieces

Pair = tuple[str, str]


def as_pairs(frame: pd.DataFrame) -> list[Pair]:
    """Return the premises and hypotheses of a frame."""
    return list(zip(frame.premise, frame.hypothesis, strict=True))


def odd_characters(frame: pd.DataFrame) -> dict[str, int]:
    """Return each unusual character of a text and the number of the first pair that has it.

    Unusual are control characters, and all beyond ASCII but letters, their marks and digits.
    """
    first: dict[str, int] = {}
    for number, pair in enumerate(as_pairs(frame)):
        for character in set("".join(pair)):
            plain = character.isascii() and character.isprintable()
            if not plain and unicodedata.category(character)[0] not in "LM":
                first.setdefault(character, number)
    return first


def some_pairs(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return premises and hypotheses: every fiftieth pair, and one for each unusual character."""
    numbers = {*range(0, len(frame), 50), *odd_characters(frame).values()}
    chosen = frame.iloc[sorted(numbers)]
    return chosen.premise.tolist(), chosen.hypothesis.tolist()


def of_all_lengths(xnli: Mapping[str, pd.DataFrame]) -> list[Pair]:
    """Return a pair of each language: from the shortest of the first to the longest of the last."""
    chosen: list[Pair] = []
    for number, frame in enumerate(xnli.values()):
        by_length = as_pairs(frame)
        by_length.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
        chosen.append(by_length[number * (len(frame) - 1) // (len(xnli) - 1)])
    return chosen


def longest(frame: pd.DataFrame, number: int, pieces: Pieces) -> list[Pair]:
    """Return the pairs of most pieces, longest first."""
    first, second = (pieces.of(frame[name].tolist()) for name in ("premise", "hypothesis"))
    tokens = pd.Series([len(ids) for ids in first]) + pd.Series([len(ids) for ids in second])
    return as_pairs(frame.iloc[tokens.nlargest(number).index])
