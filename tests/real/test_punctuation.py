"""Marks and literals in 15 scripts: none is unknown, and which of them a template leaves."""

import string
import unicodedata
from collections import Counter

import pytest

from pipeline.languages import LANGUAGES
from pipeline.prompting.forms import strip_punctuation
from pipeline.prompting.template import (
    ClozeTemplate,
    GluedTemplate,
    PairTemplate,
    QuestionTemplate,
    UniversalTemplate,
)
from tests.real_data import ME5, XNLI, needs

pytestmark = [needs(ME5), needs(XNLI)]
in_every_language = pytest.mark.parametrize("language", LANGUAGES)

OWN = {"ar": "؟،", "hi": "।", "ur": "۔؟،", "zh": "。？！"}
"""Marks of a script's own at the end of XNLI's sentences; the other languages write ASCII's."""

KEPT = {"ar": 1.8, "fr": 0.5, "hi": 76.3, "ur": 25.4, "zh": 90.6}
"""Percent of XNLI's test sentences that keep a last mark before the template's; elsewhere 0 to 0.2.

Templates strip only ASCII's, as Soft Prompting's code does. French has guillemets.
"""


def last_marks(frame, *, form=str.strip):
    """Count the marks with which the sentences of a frame end."""
    last = Counter(form(text)[-1] for text in (*frame.premise, *frame.hypothesis))
    return Counter({mark: n for mark, n in last.items() if unicodedata.category(mark)[0] in "PS"})


@in_every_language
def test_every_mark_that_ends_a_sentence_is_known(pieces, tokenizer, xnli, language):
    marks = last_marks(xnli[language])
    assert marks.keys() >= {*"!-)", *OWN.get(language, ".?")}
    for mark in marks:
        ids = pieces.glued(mark)
        assert tokenizer.unk_token_id not in ids
        # The tokenizer writes … as three dots, and full-width marks as ASCII's.
        assert pieces.text(ids) == unicodedata.normalize("NFKC", mark)


@in_every_language
def test_only_marks_of_ascii_make_way_for_those_of_the_template(xnli, language):
    kept = last_marks(xnli[language], form=strip_punctuation)
    assert not kept.keys() & {*string.punctuation} - {"."}  # a sentence of nothing but dots
    assert kept.keys() >= {*OWN.get(language, "")}
    percent = kept.total() / (2 * len(xnli[language])) * 100
    assert percent == pytest.approx(KEPT.get(language, 0.1), abs=0.05 if language in KEPT else 0.15)


@in_every_language
def test_no_sentence_keeps_white_space_at_its_end(xnli, language):
    """French has a space that is not ASCII's before some marks; it would be a piece."""
    for text in (*xnli[language].premise, *xnli[language].hypothesis):
        assert strip_punctuation(text) == strip_punctuation(text).strip()


@in_every_language
def test_no_part_of_a_template_is_unknown(pieces, tokenizer, language):
    words, room = LANGUAGES[language], {"max_length": 64}
    literals = {
        PairTemplate(pieces, **room): "",
        UniversalTemplate(pieces, **room): "? .",
        ClozeTemplate(pieces, position="suffix", prompt_length=0, **room): ". ? .",
        QuestionTemplate(pieces, language=language, **room): f"{words.question}:? {words.answer}:",
        (glued := GluedTemplate(pieces, language=language, **room)): glued.forms[1](""),
    }
    for template, text in literals.items():
        (row,) = template.rows([""], [""])
        assert tokenizer.unk_token_id not in row.ids
        # The tokenizer writes a vowel of Thai as its two parts.
        assert pieces.text(row.ids) == unicodedata.normalize("NFKC", text)
