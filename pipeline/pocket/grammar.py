"""data/pocket/grammar.yaml: turns a sequence of concepts into a sentence of any language."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, RootModel, Strict, StringConstraints, model_validator

from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.params.strict import Strictly, parse, read_yaml
from pipeline.pocket.lexicon import CODES, SLOTS, Concept, Lexicon, read_lexicon, wrong_cell

Word = Annotated[str, StringConstraints(min_length=1)]


class Phrase(NamedTuple):
    """A concept or its negation: "in the house", "not in the house"."""

    concept: Concept
    negated: bool = False

    @property
    def slot(self) -> str:
        """The concept's slot."""
        return self.concept.slot


Sentence = tuple[Phrase, ...]
"""At most one phrase per slot, in the order of SLOTS."""


class LanguageGrammar(Strictly):
    """How one language combines phrases; grammar.yaml explains the keys."""

    order: Annotated[tuple[str, ...], Strict(False)]
    join: Literal["", " "]
    end: str
    verb_forms: Annotated[int, Field(ge=1, le=2)]
    negation: Word
    closeness: Literal["near", "mid", "far", "low"]
    answers: Annotated[tuple[Word, Word, Word], Strict(False)]
    question: Word
    answer: Word

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if sorted(self.order) != sorted(SLOTS) or self.order[0] != "subject":
            expected = f"order: expected each of {', '.join(SLOTS)} once and the subject first"
            raise ValueError(f"{expected}, found {', '.join(self.order)}")
        if self.negation.count("{}") != 1 or self.negation.strip() == "{}":
            expected = "negation: expected a word and {} for the phrase"
            raise ValueError(f"{expected}, found {self.negation!r}")
        if len(set(self.answers)) != len(LABELS):
            raise ValueError(f"answers: expected three words, found {', '.join(self.answers)}")
        return self


class Languages(RootModel[dict[str, LanguageGrammar]]):
    """All of grammar.yaml, by language."""


@dataclass(frozen=True)
class Grammar:
    """The lexicon and the rules of all languages; `read_grammar` checks that they match."""

    lexicon: Lexicon
    languages: dict[str, LanguageGrammar]

    def phrase(self, phrase: Phrase, language: str, *, feminine: bool) -> str:
        """Return the words of a phrase, capitalized if it is a subject."""
        forms = phrase.concept.forms[language].split("|")
        form = forms[-1] if feminine else forms[0]
        if phrase.slot == "subject":
            form = form[0].upper() + form[1:]
        return self.languages[language].negation.format(form) if phrase.negated else form

    def ordered(self, sentence: Sentence, language: str) -> list[Phrase]:
        """Return the phrases of a sentence in the language's order."""
        order = self.languages[language].order
        return sorted(sentence, key=lambda phrase: order.index(phrase.slot))

    def fragment(self, sentence: Sentence, language: str) -> str:
        """Return the words of a sentence without its full stop."""
        feminine = is_feminine(sentence)
        phrases = self.ordered(sentence, language)
        words = [self.phrase(phrase, language, feminine=feminine) for phrase in phrases]
        return self.languages[language].join.join(words)

    def sentence(self, sentence: Sentence, language: str) -> str:
        """Return the words of a sentence with its full stop."""
        return self.fragment(sentence, language) + self.languages[language].end


def is_feminine(sentence: Sentence) -> bool:
    """Return whether the sentence's verb takes the feminine form."""
    return any(phrase.concept.feminine for phrase in sentence)


def read_grammar(folder: Path) -> Grammar:
    """Read and validate `folder`/lexicon.csv and `folder`/grammar.yaml.

    Raises:
        InputError: a file is missing or wrong, or a verb lacks a form that the grammar requires.
    """
    lexicon, path = read_lexicon(folder / "lexicon.csv"), folder / "grammar.yaml"
    _, values = read_yaml(path, expected="the grammar")
    languages = dict(sorted(parse(Languages, values, place=str(path)).root.items()))
    if tuple(languages) != CODES:
        expected = f"expected one entry for each of {', '.join(CODES)}"
        raise InputError(f"{path}: {expected}, found {', '.join(languages)}")
    for concept in lexicon.concepts:
        for code, form in concept.forms.items():
            forms = languages[code].verb_forms if concept.slot == "verb" else 1
            if form.count("|") + 1 != forms:
                expected = f"{forms} form(s) of {concept.name!r} (verb_forms in {path})"
                raise wrong_cell(concept.origin, code, expected, form)
    return Grammar(lexicon, languages)
