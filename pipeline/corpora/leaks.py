"""Guards against test text in training: every training set is checked against the test set."""

import unicodedata
from functools import cache
from html import unescape

import pandas as pd

from pipeline.errors import InputError

_IGNORED = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
"""Letters and marks that are invisible (Unicode's Default_Ignorable_Code_Point)."""


@cache
def _is_visible(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return (
        unicodedata.category(character)[0] not in "ZC"
        and character not in _IGNORED
        and not is_selector
    )


class _Bare(dict[int, str | None]):
    """For str.translate: letters, their marks and digits stay; all scripts have the same digits."""

    def __missing__(self, point: int) -> str | None:
        character = chr(point)
        stays = unicodedata.category(character)[0] in "LMN" and _is_visible(character)
        digit = unicodedata.decimal(character, None)
        self[point] = (character if digit is None else str(digit)) if stays else None
        return self[point]


# Turkish has two letters i, which other languages' rules of case take for one. Apostrophes that
# are letters, and the stroke that lengthens Arabic words, say nothing.
_BARE = _Bare({ord("ı"): "i", **dict.fromkeys((0x0307, 0x02BB, 0x02BC, 0x0640))})


def is_blank(text: str) -> bool:
    """Return whether a text has nothing visible."""
    return not any(map(_is_visible, text))


def normal(sentence: str) -> str:
    """Return a sentence with folded case and single spaces."""
    return " ".join(sentence.casefold().split())


def bare(sentence: str) -> str:
    """Return a sentence's letters and digits, in NFKC with folded case.

    So composed and decomposed letters, marks of direction, zero-width characters, kinds of quotes
    and digits, HTML's names of signs, punctuation and spaces make no difference. A sentence
    without any letter stays as it is.
    """
    sentence = unescape(sentence)
    folded = sentence.lower()
    if not sentence.isascii():
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", sentence).casefold())
    return folded.translate(_BARE) or normal(folded)


def pair_texts(frame: pd.DataFrame) -> pd.Index:
    """Return a key of each row's premise and hypothesis, to draw by: `normal` of both."""
    return pd.Index(frame.premise.map(normal) + "\x1f" + frame.hypothesis.map(normal))


def bare_pairs(frame: pd.DataFrame) -> pd.Index:
    """Return `bare` of each row's two sentences, in their order."""
    return pd.Index(frame.premise.map(bare) + "\x1f" + frame.hypothesis.map(bare))


def shared_with(held_out: pd.DataFrame, frame: pd.DataFrame) -> pd.Series:
    """Return which pairs of a frame are in held-out text, in either order and however written."""
    seen = bare_pairs(held_out)
    swapped = bare_pairs(held_out.rename(columns=_SWAPPED))
    return pd.Series(bare_pairs(frame).isin(seen.union(swapped)), index=frame.index)


_SWAPPED = {"premise": "hypothesis", "hypothesis": "premise"}


def refuse_pairs_of(held_out: pd.DataFrame, frame: pd.DataFrame, *, place: str, of: str) -> None:
    """Raise an InputError if text from `place` shares a pair with held-out text (`of` what)."""
    seen = shared_with(held_out, frame)
    if seen.any():
        row = frame.iloc[int(seen.to_numpy().argmax())]
        raise InputError(
            f"{place}: expected no text of {of}, found the pair {row.pair_id} in it "
            f"({row.premise[:40]!r}, {row.hypothesis[:40]!r})"
        )


def sentences_of(held_out: pd.DataFrame) -> frozenset[str]:
    """Return the premises and hypotheses of held-out text, each as `bare` returns it."""
    return frozenset({*held_out.premise.map(bare), *held_out.hypothesis.map(bare)})


def sentences_by_language(test: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the sentences of a test set (language, premise, hypothesis); see `sentences_of`."""
    by_language = test.groupby("language", observed=True)
    return {str(language): sentences_of(rows) for language, rows in by_language}
