"""data/pocket/grammar.yaml: a sequence of concepts -> a sentence of each language."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS
from pipeline.params.strict import Strictly, parse, read_yaml
from pipeline.pocket.lexicon import SLOTS, Lexicon

Word = Annotated[str, StringConstraints(min_length=1)]


class Phrase(NamedTuple):
    """A concept, or what is not it: "in the house", "not in the house"."""

    concept: str
    negated: bool = False


Sentence = tuple[Phrase, ...]
"""At most one phrase a slot, in the order of SLOTS."""


class LanguageGrammar(Strictly):
    """How one language puts phrases together.

    Attributes:
        order: the slots as they follow one another.
        join: what stands between two phrases.
        end: what closes a sentence.
        verb_forms: 2 where the verb agrees with the subject's gender.
        negation: how a phrase is negated, with {} in its place.
        closeness: how near to English this miniature places the language.
        answers: the words for entailment, neutral and contradiction.
        question: the word "question".
        answer: the word "answer".
    """

    order: tuple[str, ...]
    join: Literal["", " "]
    end: str
    verb_forms: Annotated[int, Field(ge=1, le=2)]
    negation: Word
    closeness: Literal["near", "mid", "far", "low"]
    answers: tuple[Word, Word, Word]
    question: Word
    answer: Word

    @field_validator("order", "answers", mode="before")
    @classmethod
    def _frozen(cls, values: object) -> object:
        return tuple(values) if isinstance(values, list) else values

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if sorted(self.order) != sorted(SLOTS) or self.order[0] != "subject":
            raise ValueError(
                f"order: expected each of {', '.join(SLOTS)} once and the subject first, "
                f"found {', '.join(self.order)}"
            )
        if self.negation.count("{}") != 1 or self.negation.strip() == "{}":
            raise ValueError(
                f"negation: expected a word and {{}} in place of the phrase, "
                f"found {self.negation!r}"
            )
        if len(set(self.answers)) != len(LABELS):
            raise ValueError(f"answers: expected three words, found {', '.join(self.answers)}")
        return self


class Grammar:
    """The lexicon and the rules of all languages."""

    def __init__(self, lexicon: Lexicon, languages: dict[str, LanguageGrammar]) -> None:
        """Keep both; `read_grammar` has checked that they fit."""
        self.lexicon = lexicon
        self.languages = languages

    def phrase(self, phrase: Phrase, language: str, *, feminine: bool) -> str:
        """Return the words of a phrase, capitalized where it is a subject."""
        one = self.lexicon.by_name[phrase.concept]
        forms = one.forms[language].split("|")
        form = forms[-1] if feminine else forms[0]
        if one.slot == "subject":
            form = form[0].upper() + form[1:]
        return self.languages[language].negation.format(form) if phrase.negated else form

    def fragment(self, sentence: Sentence, language: str) -> str:
        """Return the phrases of some concepts in the language's order, nothing closing them."""
        rules = self.languages[language]
        by_slot = self.by_slot(sentence)
        feminine = self.is_feminine(sentence)
        return rules.join.join(
            self.phrase(by_slot[slot], language, feminine=feminine)
            for slot in rules.order
            if slot in by_slot
        )

    def by_slot(self, sentence: Sentence) -> dict[str, Phrase]:
        """Return the phrase of each slot that a sentence fills."""
        return {self.lexicon.by_name[one.concept].slot: one for one in sentence}

    def is_feminine(self, sentence: Sentence) -> bool:
        """Return whether the sentence's verb takes the feminine form."""
        return any(self.lexicon.by_name[one.concept].feminine for one in sentence)

    def sentence(self, sentence: Sentence, language: str) -> str:
        """Return the sentence that some concepts make, with its full stop."""
        return self.fragment(sentence, language) + self.languages[language].end


def read_grammar(path: Path, lexicon: Lexicon) -> Grammar:
    """Read and validate the grammar of all languages.

    Raises:
        InputError: the file is missing or no YAML, a key is wrong, or verbs of the lexicon have
            not as many forms as the grammar says.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the grammar, found no such file")
    values = read_yaml(path)
    if not isinstance(values, dict) or set(values) != set(LANGUAGES):
        found = sorted(map(str, values)) if isinstance(values, dict) else [repr(values)]
        raise InputError(
            f"{path}: expected one entry for each of {', '.join(sorted(LANGUAGES))}, "
            f"found {', '.join(found)}"
        )
    languages = {
        code: parse(LanguageGrammar, values[code], place=f"{path}: {code}")
        for code in sorted(values)
    }
    for row, one in enumerate(lexicon.concepts, start=2):
        for code, form in one.forms.items():
            forms = form.count("|") + 1
            most = languages[code].verb_forms if one.slot == "verb" else 1
            if forms != most:
                raise InputError(
                    f"lexicon, row {row}: {code}: expected {most} form(s) of {one.name!r} "
                    f"(verb_forms in {path}), found {form!r}"
                )
    return Grammar(lexicon, languages)
