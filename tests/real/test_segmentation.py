"""Rows, put together from parts, are what the tokenizer makes of the whole filled-in text."""

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
from tests.real.pairs import odd_characters
from tests.real_data import ME5, XNLI, needs

pytestmark = [needs(ME5), needs(XNLI)]
in_every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def sentences(samples, language):
    """Premises and hypotheses of a language."""
    return samples[language]


def ids_of(rows):
    return [list(row.ids) for row in rows]


def assert_read_at_the_mask(rows, tokenizer):
    for row in rows:
        assert row.ids[row.read_at] == tokenizer.mask_token_id
        assert list(row.ids).count(tokenizer.mask_token_id) == 1


def test_pairs_with_unusual_characters_are_among_those_compared(xnli):
    found = set().union(*(odd_characters(frame) for frame in xnli.values()))
    assert found >= {*"\u00a0\u200b\u200c\u200d\u200e\u200f\ufffd…«»„“”‘’。？،؟۔।—"}


@in_every_language
def test_the_pair_template_is_the_tokenizers_own_pair(pieces, tokenizer, sentences):
    rows = PairTemplate(pieces, max_length=512).rows(*sentences)
    assert ids_of(rows) == tokenizer(*sentences)["input_ids"]
    assert {row.read_at for row in rows} == {0}


CLOZES = {
    "prefix": ("", "{premise} . {hypothesis} ? <mask> ."),
    "midfix": ("{premise} .", "{hypothesis} ? <mask> ."),
    "suffix": ("{premise} . {hypothesis} ?", "<mask> ."),
    "endfix": ("{premise} . {hypothesis} ? <mask>", "."),
}
"""The text before and after the slots of a soft prompt (Eq. 9)."""


@in_every_language
@pytest.mark.parametrize("position", CLOZES)
def test_the_cloze_is_one_text_around_its_slots(pieces, tokenizer, sentences, position):
    template = ClozeTemplate(pieces, position=position, prompt_length=4, max_length=512)
    rows = template.rows(*sentences)
    for row, pair in zip(rows, zip(*sentences, strict=True), strict=True):
        premise, hypothesis = map(strip_punctuation, pair)
        texts = [text.format(premise=premise, hypothesis=hypothesis) for text in CLOZES[position]]
        before, after = tokenizer(texts, add_special_tokens=False)["input_ids"]
        expected = [*before, -1, -2, -3, -4, *after]
        assert list(row.ids) == [tokenizer.bos_token_id, *expected, tokenizer.eos_token_id]
    assert_read_at_the_mask(rows, tokenizer)


@in_every_language
def test_the_question_is_one_text_unless_two_question_marks_meet(
    pieces, tokenizer, sentences, language
):
    words = LANGUAGES[language]
    kept = [pair for pair in zip(*sentences, strict=True) if pair[1][-1] != "？"]
    premises, hypotheses = map(list, zip(*kept, strict=True))
    rows = QuestionTemplate(pieces, language=language, max_length=512).rows(premises, hypotheses)
    texts = [
        f"{words.question}: {strip_punctuation(text)}? {words.answer}: <mask>"
        for text in hypotheses
    ]
    assert ids_of(rows) == tokenizer([text.strip() for text in premises], texts)["input_ids"]
    assert_read_at_the_mask(rows, tokenizer)


def test_a_chinese_question_keeps_its_mark_beside_that_of_the_template(pieces, tokenizer, xnli):
    asked = xnli["zh"][xnli["zh"].hypothesis.str.endswith("？")]
    assert len(asked) > 10
    template = QuestionTemplate(pieces, language="zh", max_length=512)
    for row in template.rows(asked.premise.tolist(), asked.hypothesis.tolist()):
        shown = pieces.shown(row.ids)
        # As one text, the two would be the piece ??.
        end = [*tokenizer.tokenize(f"{LANGUAGES['zh'].answer}:"), "<mask>", "</s>"]
        assert shown[-len(end) - 2 :] == ["?", "?", *end]


@in_every_language
def test_the_glued_template_is_one_text(pieces, tokenizer, sentences, language):
    template = GluedTemplate(pieces, language=language, max_length=512)
    right_to_left = LANGUAGES[language].script == "Arabic"
    form = "<mask>{}" if right_to_left else "{}<mask>"
    texts = [form.format(template.forms[1](text)) for text in sentences[1]]
    rows = template.rows(*sentences)
    premises = [text.strip() for text in sentences[0]]
    assert ids_of(rows) == tokenizer(premises, texts)["input_ids"]
    assert_read_at_the_mask(rows, tokenizer)


@in_every_language
def test_the_universal_template_is_one_text(pieces, tokenizer, sentences, language):
    template = UniversalTemplate(pieces, max_length=512)
    rows = template.rows(*sentences)
    # SentencePiece drops the space before </s>, this copy of the tokenizer would make it a piece.
    texts = [
        f"{template.forms[0](premise)}</s> {template.forms[1](hypothesis)} <mask> ."
        for premise, hypothesis in zip(*sentences, strict=True)
    ]
    assert ids_of(rows) == tokenizer(texts)["input_ids"]
    assert_read_at_the_mask(rows, tokenizer)


def test_special_tokens_are_those_around_a_pair_and_the_mask_is_one(pieces, tokenizer):
    start, end = [tokenizer.bos_token_id], [tokenizer.eos_token_id]
    assert [list(ids) for ids in pieces.frame] == [start, end + end, end]
    # The template's full stop is two pieces, its question mark one.
    assert [pieces.shown(pieces.word(mark)) for mark in ".?"] == [["▁", "."], ["▁?"]]
    assert list(pieces.word(" <mask>")) == [pieces.mask] == [tokenizer.mask_token_id]
    assert pieces.pad == tokenizer.pad_token_id
