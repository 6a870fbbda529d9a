"""nli.json: how a trained model reads sentence pairs and answers, as data without code."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from pipeline.params.runs import LABELS, Label, every_label
from pipeline.params.strict import LanguageCode, Strictly

Cut = Literal["hypothesis", "longer"]
"""What a pair beyond the maximum length loses first: the hypothesis, or the longer sentence."""

Combination = Literal["mean", "sum", "max"]
"""How logits become one: their mean, the logit of the sum of the probabilities, or the largest."""


class Lenient(Strictly, strict=False):
    """A block of a JSON file, in which lists stand for tuples."""


class Sentence(Lenient):
    """How a template writes a sentence: `Rewriting`, and the pieces at both ends that stay."""

    strip: bool
    replace: tuple[tuple[str, str], ...]
    kept: tuple[NonNegativeInt, NonNegativeInt]


class RowForm(Lenient):
    """A template and the languages whose pairs it makes rows of.

    The row is `start`, the premise, `middle`, the hypothesis, `end`, each tokenized by itself.

    Attributes:
        text: the row as one text, without the tokens that the tokenizer puts around texts; for
            people, since a tokenizer may split it in another way.
        room: the most pieces of premise and hypothesis, without those that stay.
        read_at: the token that is read: 0 in start, 1 in middle or 2 in end, and its index there.
    """

    languages: tuple[LanguageCode, ...]
    text: str
    start: tuple[int, ...]
    premise: Sentence
    middle: tuple[int, ...]
    hypothesis: Sentence
    end: tuple[int, ...]
    room: PositiveInt
    cut: Cut
    read_at: tuple[Annotated[int, Field(ge=0, le=2)], NonNegativeInt]


class Answers(Lenient):
    """The words that answer rows of some languages, and how their logits become three.

    Attributes:
        words: by language of the words and label, the piece and id of each word.
        several: of the words of a label in one language.
        across: of a label's words in all languages.
        over: what a label must exceed to be predicted: only the other labels, or every piece of
            the vocabulary.
    """

    languages: tuple[LanguageCode, ...] = ()
    words: dict[LanguageCode, Annotated[dict[Label, dict[str, int]], AfterValidator(every_label)]]
    several: Combination
    across: Combination
    over: Literal["label_words", "vocabulary"]


class Nli(Lenient):
    """The content of nli.json.

    Attributes:
        kind: a masked language model that answers with words, or a classifier.
        source: the language of the labelled pairs that it was trained on.
        precision: that of its training and evaluation.
        templates: one for each language of the model.
        answers: likewise, or none for a classifier.
    """

    kind: Literal["cloze", "classification"]
    labels: tuple[Label, ...]
    source: LanguageCode
    max_length: PositiveInt
    precision: Literal["float32", "bfloat16"]
    templates: Annotated[tuple[RowForm, ...], Field(min_length=1)]
    answers: tuple[Answers, ...]

    @field_validator("labels")
    @classmethod
    def _in_our_order(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        if labels != LABELS:
            raise ValueError(f"expected {', '.join(LABELS)}, found {', '.join(labels)}")
        return labels

    @model_validator(mode="after")
    def _every_language_is_answered(self) -> Self:
        answered = [code for one in self.answers for code in one.languages]
        if self.kind == "cloze" and sorted(answered) != sorted(self.languages):
            raise ValueError(f"answers: expected those of {self.languages}, found {answered}")
        return self

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the model reads."""
        return tuple(code for form in self.templates for code in form.languages)


Part = TypeVar("Part", RowForm, Answers)


def by_content(parts: Mapping[str, Part]) -> tuple[Part, ...]:
    """Return the distinct ones of the parts by language, each with its languages."""
    distinct: list[Part] = []
    languages: list[list[str]] = []
    for code, part in parts.items():
        if part not in distinct:
            distinct.append(part)
            languages.append([])
        languages[distinct.index(part)].append(code)
    return tuple(
        part.model_copy(update={"languages": tuple(codes)})
        for part, codes in zip(distinct, languages, strict=True)
    )


def words_by_label(pieces: Sequence[Iterable[tuple[str, int]]]) -> dict[Label, dict[str, int]]:
    """Return the words of each label, given in the order of the label ids."""
    return dict(zip(get_args(Label), map(dict, pieces), strict=True))
