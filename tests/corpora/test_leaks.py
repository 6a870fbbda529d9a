"""The guard against test text in training: what counts as the same text."""

import unicodedata

import pandas as pd
import pytest

from pipeline.corpora.leaks import (
    bare,
    is_blank,
    normal,
    pair_texts,
    refuse_pairs_of,
    sentences_by_language,
    shared_with,
)
from pipeline.corpora.pairs import clean_pool
from pipeline.languages import LANGUAGES
from tests.commands import refusal
from tests.imports import ROOT

FORMS = {
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "compatibility": lambda text: unicodedata.normalize("NFKD", text),
    "capitals": lambda text: text.upper(),
    "byte-order mark": lambda text: "\ufeff" + text,
    "zero-width spaces": "\u200b".join,
    "right-to-left mark": lambda text: text + "\u200f",
    "directions": lambda text: f"\u202b{text}\u202c",
    "variation selector": lambda text: text + "\ufe0f",
    "soft hyphen": lambda text: text[:2] + "\u00ad" + text[2:],
    "curly quotes": lambda text: f"\u201c{text}\u201d",
    "straight quotes": lambda text: f'"{text}"',
    "spaces": lambda text: "  " + text.replace(" ", "\u00a0 ") + "\n",
    "html": lambda text: f"&quot;{text}&#39;&nbsp;",
    "apostrophe": lambda text: text + "\u02bc",
    "no stop": lambda text: text.rstrip(".。।۔!? "),
    "a stop apart": lambda text: text.rstrip(".。।۔!? ") + " .",
}


def frame(*pairs):
    rows = [(f"train-{row}", *pair) for row, pair in enumerate(pairs)]
    return pd.DataFrame(rows, columns=["pair_id", "premise", "hypothesis"])


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_a_pair_of_the_test_is_known_in_every_form(form, code):
    path = next((ROOT / "data/pocket/hub/xnli" / code).glob("test-*.parquet"))
    test = pd.read_parquet(path).head(20).assign(pair_id="test", language=code)
    written = test.assign(**{side: test[side].map(FORMS[form]) for side in SIDES})
    assert shared_with(test, written).all()
    assert shared_with(written, test).all()
    assert shared_with(test, swapped(written)).all()
    assert not shared_with(test, written.assign(premise=written.premise + " xyz")).any()
    known = sentences_by_language(test)[code]
    assert {bare(text) for side in SIDES for text in written[side]} <= known
    assert clean_pool(written, test)[0].empty


SIDES = ("premise", "hypothesis")


def swapped(pairs):
    return pairs.assign(premise=pairs.hypothesis, hypothesis=pairs.premise)


def test_letters_marks_and_digits_make_a_difference():
    for one, other in (("A dog.", "A dot."), ("कि", "की"), ("3 cats", "4 cats"), ("!", "?")):
        assert bare(one) != bare(other)
    assert bare("STRASSE") == bare("Straße")
    assert bare("ﬁve ５") == "five5"
    assert bare("٢٥") == bare("۲۵") == bare("२५") == bare("๒๕") == "25"
    assert bare("ســلام") == bare("سلام")
    assert bare(" ... ") == "..."


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", True), (" \t\n", True), ("\u200b\ufeff", True), ("\u2060\u00a0\u3000", True),
     ("\ufe0f\u3164", True), ("\x00", True), (".", False), ("a", False), ("字", False)],
)  # fmt: skip
def test_blank_means_nothing_visible(text, expected):
    assert is_blank(text) == expected


def test_what_draws_go_by_ignores_spaces_and_case_only():
    assert normal("  A Dog\truns.\n") == normal("a dog  RUNS.") == "a dog runs."
    assert normal("A dog runs.") != normal("A dog runs")
    keys = pair_texts(frame(("a b", "c"), ("a", "b c"), ("c", "a b"), ("A  b", "C")))
    assert keys[0] == keys[3]
    assert keys[:3].is_unique


def test_a_held_out_pair_is_named():
    held_out, names = frame(("A dog.", "It runs.")), {"place": "here", "of": "the test set"}
    refuse_pairs_of(held_out, frame(("A dog.", "A dog.")), **names)
    leaking = frame(("x", "y"), ("it runs", "a DOG!"))
    assert refusal(refuse_pairs_of, held_out, leaking, **names) == (
        "here: expected no text of the test set, found the pair train-1 in it ('it runs', 'a DOG!')"
    )


def test_an_empty_set_leaks_nothing():
    empty, pair = frame(), frame(("a", "b"))
    for held_out, text, shared in ((empty, pair, [False]), (pair, empty, []), (pair, pair, [True])):
        assert shared_with(held_out, text).to_list() == shared


def test_a_sentence_of_either_side_is_known():
    test = frame(("A  dog.", "It RUNS."), ("Ein Hund.", "x")).assign(language=["en", "de"])
    assert sentences_by_language(test) == {"en": {"adog", "itruns"}, "de": {"einhund", "x"}}
