"""Label words by language: two papers' lists, a corrected one, and how params.yaml names them.

`zhao-schuetze` is the list of Zhao & Schuetze (EMNLP 2021; SoftMV, ACL 2023, uses the same), `dpa`
that of Zhou et al. (Findings of ACL 2023), each as in the authors' code.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Strict, Tag

from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS, Label, Word, distinct, every_label
from pipeline.params.strict import EITHER, KEYED, PLAIN, LanguageCode

Several: TypeAlias = Word | tuple[Word, ...]
"""The word for a label in one language, or several words."""


def as_tuple(words: Several) -> tuple[Word, ...]:
    """Return one word or several words as several."""
    return words if isinstance(words, tuple) else (words,)


def _in_table(words: dict[str, dict[Label, Several]]) -> dict[str, dict[Label, Several]]:
    for code in words:
        if code not in LANGUAGES:
            raise ValueError(
                f"expected languages of the table in pipeline/languages.py "
                f"({', '.join(LANGUAGES)}), found {code!r}"
            )
    return words


def _different_words(words: dict[Label, Several]) -> dict[Label, Several]:
    distinct(tuple(word for several in words.values() for word in as_tuple(several)))
    return every_label(words)


_Words = Annotated[
    Annotated[Word, Tag("|one")]
    | Annotated[tuple[Word, ...], Strict(False), Field(min_length=1), Tag("|several")],
    Discriminator(lambda value: "|several" if isinstance(value, list | tuple) else "|one"),
    # Runs that are trained alike have equal settings, however params.yaml writes them.
    AfterValidator(as_tuple),
]
_ByLanguage = Annotated[
    dict[LanguageCode, Annotated[dict[Label, _Words], AfterValidator(_different_words)]],
    Field(min_length=1),
    AfterValidator(_in_table),
]
ListName = Literal["zhao-schuetze", "dpa", "corrected"]

LabelWords = Annotated[
    Annotated[ListName, PLAIN] | Annotated[_ByLanguage, KEYED],
    EITHER,
]
"""A method's setting: the name of a list, or language -> label -> a word or several.

`label_words: dpa`, or `{en: {entailment: "yes", neutral: [maybe, perhaps], contradiction: "no"}}`.
"""

SplitWords = Literal["last", "refuse"]
"""A method's setting `pieces`: take the last of several, as both papers' code does, or refuse."""

_Row: TypeAlias = tuple[Several, Several, Several]

_ZHAO_SCHUETZE: dict[str, _Row] = {
    "ar": ("نعم", "يمكن", "لا"),
    "bg": ("да", "можеби", "не"),
    "de": ("Ja", "vielleicht", "Nein"),
    "el": ("Nαί", "μπορεί", "όχι"),
    "en": ("right", "maybe", "wrong"),
    "es": ("sí", "talvez", "no"),
    "fr": ("oui", "possible", "non"),
    "hi": ("सच", "शायद", "झूठ"),
    "ru": ("да", "возможно", "нет"),
    "sw": ("ndio", "labda", "hasi"),
    "th": ("ใช่", "อาจจะ", "ไม่"),
    "tr": ("Evet", "belki", "hiçbir"),
    "ur": ("ہاں", "شاید", "نہیں"),
    "vi": ("dạ", "lẽ", "Không"),
    "zh": ("是", "也许", "否"),
}

_DPA: dict[str, _Row] = _ZHAO_SCHUETZE | {
    "ar": ("نعم", "ربما", "لا"),
    "bg": ("да", "може", "не"),
    "de": ("Ja", "möglicherweise", "Nein"),
    "el": ("Μάλιστα", "μπορεί", "όχι"),
    "en": ("yes", "maybe", "no"),
    "fr": ("Oui", "possible", "non"),
    "hi": ("हां", "शायद", "न"),
    "ru": ("да", "може", "нет"),
    "sw": ("ndio", "labda", "sio"),
    "ur": ("جی", "شاید", "نہیں"),
    "vi": ("dạ", "lẽ", "không"),
}

# Each is one piece of XLM-R, all Chinese and two Thai words without the mark of a word's beginning.
# Words without a known better one of one piece are as in `dpa`: Vietnamese lẽ is half of có lẽ,
# "maybe".
_CORRECTED: dict[str, _Row] = _DPA | {
    # zhao-schuetze: можеби is Macedonian.
    "bg": ("да", "може", "не"),
    # zhao-schuetze: Nαί begins with a Latin N, so XLM-R splits it; dpa: Μάλιστα is a formal yes.
    "el": ("Ναι", "μπορεί", "όχι"),
    # zhao-schuetze: सच and झूठ are truth and lie; dpa: XLM-R has हां only without the mark of a
    # word's beginning, and न means "not", as a particle in a sentence.
    "hi": ("हाँ", "शायद", "नहीं"),
    # dpa: може is Bulgarian or Ukrainian.
    "ru": ("да", "возможно", "нет"),
    # Both: dạ is a polite particle before an answer, which may also be no.
    "vi": ("có", "lẽ", "không"),
    # Both: 否 is the no of forms and compounds, not of speech.
    "zh": ("是", "也许", "不"),
}

LISTS: Mapping[ListName, Mapping[str, _Row]] = {
    "zhao-schuetze": _ZHAO_SCHUETZE,
    "dpa": _DPA,
    "corrected": _CORRECTED,
}
"""By name and language: the words of entailment, neutral and contradiction."""


def words_of(setting: LabelWords) -> dict[str, dict[str, tuple[Word, ...]]]:
    """Return the words of a setting by language and label, in the order of the label ids."""
    rows: Mapping[str, Iterable[Several]]
    if isinstance(setting, str):
        rows = LISTS[setting]
    else:
        rows = {code: words.values() for code, words in setting.items()}
    return {code: dict(zip(LABELS, map(as_tuple, row), strict=True)) for code, row in rows.items()}
