"""data/pocket/grammar.yaml: a sequence of concepts -> a sentence of each language."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from pipeline.config import LABELS
from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.pocket.lexicon import SLOTS, Lexicon
from pipeline.strict import Strictly, parse, read_yaml

Word = Annotated[str, StringConstraints(min_length=1)]
Sentence = tuple[str, ...]
"""Names of concepts, at most one a slot, in the order of SLOTS."""


class LanguageGrammar(Strictly):
    """How one language puts phrases together.

    Attributes:
        order: the slots as they follow one another.
        join: what stands between two phrases.
        end: what closes a sentence.
        verb_forms: 2 where the verb agrees with the subject's gender.
        closeness: how near to English this miniature places the language.
        answers: the words for entailment, neutral and contradiction.
        question: the word "question".
        answer: the word "answer".
    """

    order: tuple[str, ...]
    join: Literal["", " "]
    end: str
    verb_forms: Annotated[int, Field(ge=1, le=2)]
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
        if len(set(self.answers)) != len(LABELS):
            raise ValueError(f"answers: expected three words, found {', '.join(self.answers)}")
        return self


class Grammar:
    """The lexicon and the rules of all languages."""

    def __init__(self, lexicon: Lexicon, languages: dict[str, LanguageGrammar]) -> None:
        """Keep both; `read_grammar` has checked that they fit."""
        self.lexicon = lexicon
        self.languages = languages

    def phrase(self, concept: str, language: str, *, feminine: bool) -> str:
        """Return the phrase of a concept, capitalized where it is a subject."""
        one = self.lexicon.by_name[concept]
        forms = one.forms[language].split("|")
        form = forms[-1] if feminine else forms[0]
        return form[0].upper() + form[1:] if one.slot == "subject" else form

    def fragment(self, sentence: Sentence, language: str) -> str:
        """Return the phrases of some concepts in the language's order, nothing closing them."""
        rules = self.languages[language]
        by_slot = {self.lexicon.by_name[name].slot: name for name in sentence}
        subject = by_slot.get("subject")
        feminine = subject is not None and self.lexicon.by_name[subject].feminine
        return rules.join.join(
            self.phrase(by_slot[slot], language, feminine=feminine)
            for slot in rules.order
            if slot in by_slot
        )

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
