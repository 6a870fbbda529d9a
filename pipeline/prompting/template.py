"""Templates: a premise and a hypothesis -> a row of tokens (Eq. 1, 5 and 9, and the baselines').

Each part is tokenized by itself and the pieces are concatenated, as in Soft Prompting's code; in
PCT's released form and the universal template, sentences are tokenized together with their
literals. Truncation cuts only the sentences, never prompt, mask, literals or special tokens.
"""

from collections.abc import Callable, Sequence
from functools import partial
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
        self,
        pieces: Pieces,
        fixed: tuple[Ids, Ids, Ids],
        *,
        read_at: tuple[int, int],
        max_length: int,
        literals: int = 0,
    ) -> None:
        """Prepare a template.

        Args:
            pieces: the backbone's tokenizer.
            fixed: the pieces before, between and after the sentences.
            read_at: the part of `fixed`, and the index in it, of the token whose state is read.
            max_length: tokens per row; a NoRoomError is raised if that leaves no room for text.
            literals: the number of pieces that the forms add to the sentences.
        """
        self._pieces, self._fixed, self._read_at = pieces, fixed, read_at
        self._room = max_length - sum(map(len, fixed)) - literals
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
        part, index = self._read_at
        first_ids = self._pieces.of([first(text) for text in premises])
        second_ids = self._pieces.of([second(text) for text in hypotheses])
        rows = []
        for pair in zip(first_ids, second_ids, strict=True):
            premise, hypothesis = self.cut(*pair, self._room)
            to_middle = before + premise
            to_after = to_middle + middle + hypothesis
            start = (0, len(to_middle), len(to_after))[part]
            rows.append(Row(to_after + after, start + index, prompt))
        return rows


class ClozeTemplate(Template):
    """`<s> premise . hypothesis ? p1 ... pm <mask> . </s>` (Eq. 1), the prompt as Eq. 9 says.

    Eq. 9: X = Prefix X_P . Midfix X_H ? Suffix _ Endfix . : one of the four holds the prompt.
    `words`, if not "", stand before the hypothesis and after its question mark (DP and MP).
    """

    forms = (strip_punctuation, strip_punctuation)
    cut = staticmethod(cut_hypothesis)

    def __init__(
        self,
        pieces: Pieces,
        *,
        position: Position,
        prompt_length: int,
        max_length: int,
        words: tuple[str, str] = ("", ""),
    ) -> None:
        dot, mark, frame = pieces.word("."), pieces.word("?"), pieces.frame
        question, answer = map(pieces.word, words)
        prompts = dict.fromkeys(get_args(Position), ids_of(()))
        prompts[position] = ids_of(-1 - j for j in range(prompt_length))
        to_mask = mark + answer + prompts["suffix"]
        after = to_mask + ids_of([pieces.mask]) + prompts["endfix"] + dot + frame.end
        fixed = frame.start + prompts["prefix"], dot + prompts["midfix"] + question, after
        super().__init__(pieces, fixed, read_at=(2, len(to_mask)), max_length=max_length)


class QuestionTemplate(Template):
    """PCT's `<s> premise </s></s> Question: hypothesis? Answer: <mask> </s>`, in one language.

    The two literal words are in that language (Qi et al. 2022), the sentences in their own.
    """

    forms = (str.strip, strip_punctuation)

    def __init__(self, pieces: Pieces, *, language: str, max_length: int) -> None:
        words, frame = LANGUAGES[language], pieces.frame
        middle = frame.between + pieces.word(f"{words.question}:")
        to_mask = pieces.glued("?") + pieces.word(f"{words.answer}:")
        fixed = frame.start, middle, to_mask + ids_of([pieces.mask]) + frame.end
        super().__init__(pieces, fixed, read_at=(2, len(to_mask)), max_length=max_length)


class GluedTemplate(Template):
    """PCT's template as its authors' code has it: `question:hypothesis? Answer:` and the mask.

    The first word is in small letters, and nothing separates it from the hypothesis, which keeps
    its punctuation: the whole is tokenized as one text. In Arabic script the mask is in front.
    """

    def __init__(self, pieces: Pieces, *, language: str, max_length: int) -> None:
        words, frame, mask = LANGUAGES[language], pieces.frame, ids_of([pieces.mask])
        question = words.question.lower() + (": " if language in _SPACED else ":")
        answer = _ANSWERS.get(language, words.answer)
        if words.script == "Arabic":
            start, end = f":{question}", f"؟ {answer}"
            fixed, read_at = (frame.start, frame.between + mask, frame.end), (1, len(frame.between))
        else:
            start, end = question, f"? {answer}:"
            fixed, read_at = (frame.start, frame.between, mask + frame.end), (2, 0)
        self.forms = str.strip, lambda hypothesis: f"{start}{hypothesis}{end}"
        kept = len(pieces.word(start)), len(pieces.word(end))
        self.cut = partial(_cut_inside, kept=kept)
        super().__init__(pieces, fixed, read_at=read_at, max_length=max_length, literals=sum(kept))


_SPACED = frozenset(("bg", "sw", "ur"))
"""Where PCT's authors have a space after the first colon."""

_ANSWERS = {"ar": "الجواب", "fr": "réponse"}
"""Where their second word is another than in the table of languages."""


def _cut_inside(premise: Ids, text: Ids, room: int, *, kept: tuple[int, int]) -> tuple[Ids, Ids]:
    """Cut as `cut_longer`, but keep the literals, which are the first and last pieces of a text."""
    start = min(kept[0], len(text))
    end = max(start, len(text) - kept[1])
    premise, hypothesis = cut_longer(premise, text[start:end], room)
    return premise, text[:start] + hypothesis + text[end:]


class UniversalTemplate(Template):
    """`<s> premise . </s> hypothesis ? <mask> . </s>`, without a word of any language (UP and DPA).

    As in the authors' code, the premise gets its full stop only after a letter or digit of ASCII,
    and the question mark takes the place of a last full stop or exclamation mark of ASCII.
    """

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        frame, mask = pieces.frame, ids_of([pieces.mask])
        fixed = frame.start, frame.end, mask + pieces.word(".") + frame.end
        self.forms = _with_stop, _with_question_mark
        self.cut = _cut_before_marks
        super().__init__(pieces, fixed, read_at=(2, 0), max_length=max_length, literals=2)


def _with_stop(premise: str) -> str:
    premise = premise.strip()
    last = premise[-1:]
    return f"{premise} ." if last.isascii() and last.isalnum() else premise


def _with_question_mark(hypothesis: str) -> str:
    hypothesis = hypothesis.strip()
    if hypothesis.endswith((".", "!")):
        return f"{hypothesis[:-1]}?"
    return hypothesis if hypothesis.endswith("?") else f"{hypothesis} ?"


def _cut_before_marks(premise: Ids, hypothesis: Ids, room: int) -> tuple[Ids, Ids]:
    """Cut as `cut_hypothesis`, but keep the last piece of each text, which is its mark."""
    first, second = cut_hypothesis(premise[:-1], hypothesis[:-1], room)
    return first + premise[-1:], second + hypothesis[-1:]


class PairTemplate(Template):
    """`<s> premise </s></s> hypothesis </s>`, read at its first token (FT)."""

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        super().__init__(pieces, pieces.frame, read_at=(0, 0), max_length=max_length)
