"""Templates: a premise and a hypothesis -> a row of tokens (Eq. 1, 5 and 9, and the baselines').

Each part is tokenized by itself and the pieces are concatenated, as in Soft Prompting's code; a
part that follows others begins a word, also where a vocabulary does not mark a text's first one. In
PCT's released form and the universal template, sentences are tokenized together with their
literals. Truncation cuts only the sentences, never prompt, mask, literals or special tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, get_args

from pipeline.backbone.rows import Row
from pipeline.backbone.tokens import Ids, Pieces, ids_of
from pipeline.languages import LANGUAGES
from pipeline.params.runs import Position
from pipeline.prompting.forms import AS_IS, STRIPPED, Form, Rewriting, strip_punctuation, within
from pipeline.prompting.nli import Cut

Ends: TypeAlias = tuple[int, int]
"""How many of a sentence's first and last pieces are the template's, which are never cut."""


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


CUTS: Mapping[Cut, Callable[[Ids, Ids, int], tuple[Ids, Ids]]] = {
    "hypothesis": cut_hypothesis,
    "longer": cut_longer,
}


class NoRoomError(ValueError):
    """The maximum length is too short for a template."""


class Template:
    """Fixed pieces before, between and after a premise and a hypothesis.

    `forms` are applied to the premise and the hypothesis; `cut` shortens a pair that is too long.
    """

    forms: tuple[Form, Form] = (AS_IS, AS_IS)
    cut: Cut = "longer"

    def __init__(
        self,
        pieces: Pieces,
        fixed: tuple[Ids, Ids, Ids],
        *,
        read_at: tuple[int, int],
        max_length: int,
        kept: tuple[Ends, Ends] = ((0, 0), (0, 0)),
    ) -> None:
        """Prepare a template.

        Args:
            pieces: the backbone's tokenizer.
            fixed: the pieces before, between and after the sentences.
            read_at: the part of `fixed`, and the index in it, of the token whose state is read.
            max_length: tokens per row; a NoRoomError is raised if that leaves no room for text.
            kept: the pieces that the forms add to premise and hypothesis.
        """
        self._pieces, self.fixed, self.read_at, self.kept = pieces, fixed, read_at, kept
        self.room = max_length - sum(map(len, fixed)) - sum(map(sum, kept))
        if self.room < 2:
            raise NoRoomError(
                f"expected room for two pieces of text beside the template's "
                f"{max_length - self.room} tokens, found {max_length}"
            )

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, prompt: int = 0
    ) -> list[Row]:
        """Return a row per premise and hypothesis, whose slots the soft prompt `prompt` fills."""
        return [self.row(pair, prompt=prompt) for pair in self.pairs(premises, hypotheses)]

    def pairs(self, premises: Sequence[str], hypotheses: Sequence[str]) -> list[tuple[Ids, Ids]]:
        """Return the pieces of each premise and hypothesis in the template's forms, uncut."""
        first, second = self.forms
        first_ids = self._pieces.of([first(text) for text in premises])
        second_ids = self._pieces.of([second(text) for text in hypotheses])
        return list(zip(first_ids, second_ids, strict=True))

    def row(self, pair: tuple[Ids, Ids], *, prompt: int = 0) -> Row:
        """Return the row of the pieces of a premise and a hypothesis."""
        before, middle, after = self.fixed
        premise, hypothesis = self._shortened(*pair)
        to_middle = before + premise
        to_after = to_middle + middle + hypothesis
        part, index = self.read_at
        start = (0, len(to_middle), len(to_after))[part]
        return Row(to_after + after, start + index, prompt)

    def is_cut(self, pair: tuple[Ids, Ids]) -> bool:
        """Return whether a pair has more pieces than there is room for."""
        inside = [max(0, len(ids) - sum(ends)) for ids, ends in zip(pair, self.kept, strict=True)]
        return sum(inside) > self.room

    def _shortened(self, premise: Ids, hypothesis: Ids) -> tuple[Ids, Ids]:
        """Cut a pair to the room, but never the pieces that the forms have added."""
        if not self.is_cut((premise, hypothesis)):
            return premise, hypothesis
        (start, first, stop), (begin, second, end) = map(_split, (premise, hypothesis), self.kept)
        first, second = CUTS[self.cut](first, second, self.room)
        return start + first + stop, begin + second + end


def _split(ids: Ids, kept: Ends) -> tuple[Ids, Ids, Ids]:
    """Return the first pieces of a text that are kept, those inside, and the last."""
    start = min(kept[0], len(ids))
    end = max(start, len(ids) - kept[1])
    return ids[:start], ids[start:end], ids[end:]


class ClozeTemplate(Template):
    """`<s> premise . hypothesis ? p1 ... pm <mask> . </s>` (Eq. 1), the prompt as Eq. 9 says.

    Eq. 9: X = Prefix X_P . Midfix X_H ? Suffix _ Endfix . : one of the four holds the prompt.
    `words`, if not "", stand before the hypothesis and after its question mark (DP and MP).
    """

    cut: Cut = "hypothesis"

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
        inner = within(strip_punctuation, pieces.space)
        self.forms = (inner if position == "prefix" and prompt_length else strip_punctuation), inner
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

    def __init__(self, pieces: Pieces, *, language: str, max_length: int) -> None:
        words, frame = LANGUAGES[language], pieces.frame
        self.forms = STRIPPED, within(strip_punctuation, pieces.space)
        middle = frame.between + pieces.of([f"{words.question}:"])[0]
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
        self.forms = STRIPPED, Rewriting(((r"\A", start), (r"\Z", end)), strip=False)
        first, last = pieces.of([start, pieces.space + end])
        kept = (0, 0), (len(first), len(last))
        super().__init__(pieces, fixed, read_at=read_at, max_length=max_length, kept=kept)


_SPACED = frozenset(("bg", "sw", "ur"))
"""Where PCT's authors have a space after the first colon."""

_ANSWERS = {"ar": "الجواب", "fr": "réponse"}
"""Where their second word is another than in the table of languages."""


class UniversalTemplate(Template):
    """`<s> premise . </s> hypothesis ? <mask> . </s>`, without a word of any language (UP and DPA).

    As in the authors' code, the premise gets its full stop only after a letter or digit of ASCII,
    and the question mark takes the place of a last full stop or exclamation mark of ASCII.
    """

    forms = (
        Rewriting(((r"(?<=[A-Za-z0-9])\Z", " ."),)),
        Rewriting(((r"[.!]\Z", "?"), (r"(?<!\?)\Z", " ?"))),
    )
    cut: Cut = "hypothesis"

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        frame, mask = pieces.frame, ids_of([pieces.mask])
        fixed = frame.start, frame.end, mask + pieces.word(".") + frame.end
        kept = (0, 1), (0, 1)  # the last piece of each text is its mark
        super().__init__(pieces, fixed, read_at=(2, 0), max_length=max_length, kept=kept)


class PairTemplate(Template):
    """`<s> premise </s></s> hypothesis </s>`, read at its first token (FT)."""

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        super().__init__(pieces, pieces.frame, read_at=(0, 0), max_length=max_length)
