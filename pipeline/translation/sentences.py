"""A sentence to translate and its answer, as engines and checks see them."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

SIDES = ("premise", "hypothesis")


@dataclass(frozen=True)
class Sentence:
    """The premise or hypothesis of a pair, in the source language, and its target language."""

    pair_id: str
    side: str
    language: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """The language and the text's hash, by which the journal knows the sentence."""
        return self.language, hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """The answer to a sentence.

    Attributes:
        text: the translation; for a refused sentence the last one, if any.
        reason: why it was refused; None for a clean translation.
        at: when it was accepted, ISO 8601 in UTC; None if the engine keeps no dates.
    """

    text: str | None = None
    reason: str | None = None
    at: str | None = None

    @property
    def state(self) -> str:
        """`clean`, `refused`, or `missing` if nobody was asked yet."""
        if self.reason:
            return "refused"
        return "missing" if self.text is None else "clean"


class RefusedError(Exception):
    """A check refuses an answer (None if no text came) for a reason."""

    def __init__(self, reason: str, answer: str | None) -> None:
        super().__init__(reason)
        self.reason, self.answer = reason, answer


Check = Callable[[Sentence, str], str | None]
"""Returns why a translation of a sentence is refused, or None."""


def sides(pair: Mapping[Hashable, str]) -> list[Sentence]:
    """Return the two sentences of a pair (pair_id, language, premise, hypothesis)."""
    return [Sentence(pair["pair_id"], side, pair["language"], pair[side]) for side in SIDES]
