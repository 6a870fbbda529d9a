"""Templates: a premise and a hypothesis -> a row of tokens (Eq. 1, 5 and 9, and the baselines').

Each part is tokenized on its own and the pieces are concatenated, as Soft Prompting's code does.
Truncation takes from the sentences alone, never from prompt, mask, literals or special tokens.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from pipeline.backbone.ids import Ids, ids_of
from pipeline.backbone.rows import Row
from pipeline.backbone.tokens import Pieces
from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.prompting.forms import strip_punctuation

Position = Literal["prefix", "midfix", "suffix", "endfix"]


class Template(Protocol):
    """What makes rows of sentence pairs."""

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, prompt: int = 0
    ) -> list[Row]:
        """Return a row for each premise and hypothesis.

        Args:
            premises: B sentences.
            hypotheses: B sentences.
            prompt: which of the method's soft prompts fills the slots.
        """


def cut_hypothesis(premise: Ids, hypothesis: Ids, room: int) -> tuple[Ids, Ids]:
    """Cut a pair to `room` pieces from the end of the hypothesis, then of the premise."""
    if len(premise) + len(hypothesis) <= room:
        return premise, hypothesis
    premise = premise[:room]
    return premise, hypothesis[: room - len(premise)]


def cut_longer(premise: Ids, hypothesis: Ids, room: int) -> tuple[Ids, Ids]:
    """Cut a pair to `room` pieces, piece by piece from the end of the longer sentence."""
    if len(premise) + len(hypothesis) <= room:
        return premise, hypothesis
    kept = min(len(hypothesis), max(room // 2, room - len(premise)))
    return premise[: room - kept], hypothesis[:kept]


def _require_room(room: int, max_length: int) -> int:
    if room < 2:
        raise InputError(
            f"params.yaml: training.max_length: expected room for two pieces of text beside "
            f"the template's {max_length - room} tokens, found {max_length}"
        )
    return room


class ClozeTemplate:
    """`<s> premise . hypothesis ? p1 ... pm <mask> . </s>` (Eq. 1), the prompt where Eq. 9 says.

    Eq. 9: X = Prefix X_P . Midfix X_H ? Suffix _ Endfix . : one of the four holds the prompt.
    """

    def __init__(
        self, pieces: Pieces, *, position: Position, prompt_length: int, max_length: int
    ) -> None:
        self._pieces = pieces
        dot, question = pieces.word("."), pieces.word("?")
        slots, none = ids_of(-1 - j for j in range(prompt_length)), ids_of(())
        at = {place: slots if place == position else none for place in Position.__args__}  # type: ignore[attr-defined]
        self._before = pieces.frame.start + at["prefix"]
        self._middle = dot + at["midfix"]
        self._to_mask = question + at["suffix"]
        self._from_mask = ids_of([pieces.mask]) + at["endfix"] + dot + pieces.frame.end
        literals = (self._before, self._middle, self._to_mask, self._from_mask)
        self._room = _require_room(max_length - sum(map(len, literals)), max_length)

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, prompt: int = 0
    ) -> list[Row]:
        """Return a row for each pair; see Template.rows."""
        before, middle, to_mask = self._before, self._middle, self._to_mask
        literals, rows = len(before) + len(middle) + len(to_mask), []
        for premise, hypothesis in zip(
            self._pieces.of([strip_punctuation(text) for text in premises]),
            self._pieces.of([strip_punctuation(text) for text in hypotheses]),
            strict=True,
        ):
            p, h = cut_hypothesis(premise, hypothesis, self._room)
            ids = before + p + middle + h + to_mask + self._from_mask
            rows.append(Row(ids, literals + len(p) + len(h), prompt))
        return rows


class QuestionTemplate:
    """PCT's `<s> premise </s></s> Question: hypothesis? Answer: <mask> </s>`, in one language.

    The literal words are the language's (Qi et al. 2022); the sentences are what they are.
    """

    def __init__(self, pieces: Pieces, *, language: str, max_length: int) -> None:
        words, self._pieces = LANGUAGES[language], pieces
        self._middle = pieces.frame.between + pieces.word(f"{words.question}:")
        self._to_mask = pieces.glued("?") + pieces.word(f"{words.answer}:")
        self._from_mask = ids_of([pieces.mask]) + pieces.frame.end
        literals = (pieces.frame.start, self._middle, self._to_mask, self._from_mask)
        self._room = _require_room(max_length - sum(map(len, literals)), max_length)

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, prompt: int = 0
    ) -> list[Row]:
        """Return a row for each pair; see Template.rows."""
        start, middle, to_mask = self._pieces.frame.start, self._middle, self._to_mask
        literals, rows = len(start) + len(middle) + len(to_mask), []
        for premise, hypothesis in zip(
            self._pieces.of([text.strip() for text in premises]),
            self._pieces.of([strip_punctuation(text) for text in hypotheses]),
            strict=True,
        ):
            p, h = cut_longer(premise, hypothesis, self._room)
            ids = start + p + middle + h + to_mask + self._from_mask
            rows.append(Row(ids, literals + len(p) + len(h), prompt))
        return rows


class PairTemplate:
    """`<s> premise </s></s> hypothesis </s>`, read at its first token (FT)."""

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        self._pieces, frame = pieces, pieces.frame
        fixed = len(frame.start) + len(frame.between) + len(frame.end)
        self._room = _require_room(max_length - fixed, max_length)

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, prompt: int = 0
    ) -> list[Row]:
        """Return a row for each pair; see Template.rows."""
        rows, frame = [], self._pieces.frame
        for premise, hypothesis in zip(
            self._pieces.of(premises), self._pieces.of(hypotheses), strict=True
        ):
            p, h = cut_longer(premise, hypothesis, self._room)
            rows.append(Row(frame.start + p + frame.between + h + frame.end, 0, prompt))
        return rows
