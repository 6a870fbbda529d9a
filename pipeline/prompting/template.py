"""Templates: a premise and a hypothesis -> a row of tokens (Eq. 1, 5 and 9, and the baselines').

Each part is tokenized by itself and the pieces are concatenated, as in Soft Prompting's code.
Truncation cuts only the sentences, never prompt, mask, literals or special tokens.
"""

from collections.abc import Callable, Sequence
from typing import get_args

from pipeline.backbone.rows import Row
from pipeline.backbone.tokens import Ids, Pieces, ids_of
from pipeline.languages import LANGUAGES
from pipeline.params.runs import Position
from pipeline.prompting.forms import Form, strip_punctuation

Cut = Callable[[Ids, Ids, int], tuple[Ids, Ids]]


def cut_hypothesis(premise: Ids, hypothesis: Ids, room: int) -> tuple[Ids, Ids]:
    """Cut a pair to `room` pieces from the end of the hypothesis, then of the premise."""
    premise = premise[:room]
    return premise, hypothesis[: room - len(premise)]


def cut_longer(premise: Ids, hypothesis: Ids, room: int) -> tuple[Ids, Ids]:
    """Cut a pair to `room` pieces, piece by piece from the end of the longer sentence."""
    if len(premise) + len(hypothesis) <= room:
        return premise, hypothesis
    kept = min(len(hypothesis), max(room // 2, room - len(premise)))
    return premise[: room - kept], hypothesis[:kept]


class NoRoomError(ValueError):
    """The maximum length is too short for a template."""


class Template:
    """Fixed pieces before, between and after a premise and a hypothesis.

    `forms` are applied to the premise and the hypothesis; `cut` shortens a pair that is too long.
    """

    forms: tuple[Form, Form] = (str, str)
    cut: Cut = staticmethod(cut_longer)

    def __init__(
        self, pieces: Pieces, fixed: tuple[Ids, Ids, Ids], *, read_at: int, max_length: int
    ) -> None:
        """Prepare a template.

        Args:
            pieces: the backbone's tokenizer.
            fixed: the pieces before, between and after the sentences.
            read_at: the position whose state is read, counted from the end if negative.
            max_length: tokens per row; a NoRoomError is raised if that leaves no room for text.
        """
        self._pieces, self._fixed, self._read_at = pieces, fixed, read_at
        self._room = max_length - sum(map(len, fixed))
        if self._room < 2:
            raise NoRoomError(
                f"expected room for two pieces of text beside the template's "
                f"{max_length - self._room} tokens, found {max_length}"
            )

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, prompt: int = 0
    ) -> list[Row]:
        """Return a row per premise and hypothesis, whose slots the soft prompt `prompt` fills."""
        before, middle, after = self._fixed
        first, second = self.forms
        first_ids = self._pieces.of([first(text) for text in premises])
        second_ids = self._pieces.of([second(text) for text in hypotheses])
        rows = []
        for pair in zip(first_ids, second_ids, strict=True):
            premise, hypothesis = self.cut(*pair, self._room)
            ids = before + premise + middle + hypothesis + after
            rows.append(Row(ids, self._read_at % len(ids), prompt))
        return rows


class ClozeTemplate(Template):
    """`<s> premise . hypothesis ? p1 ... pm <mask> . </s>` (Eq. 1), the prompt as Eq. 9 says.

    Eq. 9: X = Prefix X_P . Midfix X_H ? Suffix _ Endfix . : one of the four holds the prompt.
    """

    forms = (strip_punctuation, strip_punctuation)
    cut = staticmethod(cut_hypothesis)

    def __init__(
        self, pieces: Pieces, *, position: Position, prompt_length: int, max_length: int
    ) -> None:
        dot, question, frame = pieces.word("."), pieces.word("?"), pieces.frame
        prompts = dict.fromkeys(get_args(Position), ids_of(()))
        prompts[position] = ids_of(-1 - j for j in range(prompt_length))
        from_mask = ids_of([pieces.mask]) + prompts["endfix"] + dot + frame.end
        before, middle = frame.start + prompts["prefix"], dot + prompts["midfix"]
        fixed = before, middle, question + prompts["suffix"] + from_mask
        super().__init__(pieces, fixed, read_at=-len(from_mask), max_length=max_length)


class QuestionTemplate(Template):
    """PCT's `<s> premise </s></s> Question: hypothesis? Answer: <mask> </s>`, in one language.

    The two literal words are in that language (Qi et al. 2022), the sentences in their own.
    """

    forms = (str.strip, strip_punctuation)

    def __init__(self, pieces: Pieces, *, language: str, max_length: int) -> None:
        words, frame = LANGUAGES[language], pieces.frame
        from_mask = ids_of([pieces.mask]) + frame.end
        middle = frame.between + pieces.word(f"{words.question}:")
        after = pieces.glued("?") + pieces.word(f"{words.answer}:") + from_mask
        fixed = frame.start, middle, after
        super().__init__(pieces, fixed, read_at=-len(from_mask), max_length=max_length)


class PairTemplate(Template):
    """`<s> premise </s></s> hypothesis </s>`, read at its first token (FT)."""

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        super().__init__(pieces, pieces.frame, read_at=0, max_length=max_length)
