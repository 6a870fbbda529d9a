"""A sentence to translate and what became of it, as engines and checks see them."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

SIDES = ("premise", "hypothesis")


@dataclass(frozen=True)
class Sentence:
    """One side of a pair, and the language that it goes into.

    Attributes:
        pair_id: the pair.
        side: premise or hypothesis.
        language: the target language, by the code of this project.
        text: the sentence in the source language.
    """

    pair_id: str
    side: str
    language: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """The language and the text's hash: what the journal knows the sentence by."""
        return self.language, hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What became of a sentence: a clean translation, or the reason why there is none.

    Attributes:
        text: the translation; of a refused sentence the last answer, if there was one.
        reason: why it was refused; None for a clean translation.
        at: when it was accepted, ISO 8601 in UTC; None where nobody wrote it down.
    """

    text: str | None
    reason: str | None = None
    at: str | None = None


Check = Callable[[Sentence, str], str | None]
"""Returns why a translation of a sentence is refused, or None."""


def sentences(pairs: pd.DataFrame) -> list[Sentence]:
    """Return the sentences of pairs (pair_id, language, premise, hypothesis) in their order."""
    return [
        Sentence(row["pair_id"], side, row["language"], row[side])
        for row in pairs.to_dict("records")
        for side in SIDES
    ]


def once(found: Iterable[Sentence]) -> list[Sentence]:
    """Return the sentences without those that another pair holds in the same language."""
    return list({sentence.key: sentence for sentence in reversed(list(found))}.values())[::-1]
