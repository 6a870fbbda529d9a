"""How params.yaml names label words by language, and the lists that it can name."""

import json
from typing import get_args

import pytest

from pipeline.languages import LANGUAGES
from pipeline.params.runs import LABELS, Piece
from pipeline.params.strict import Strictly, parse
from pipeline.prompting.label_words import LISTS, LabelWords, ListName, SplitWords, words_of
from tests.commands import refusal

GERMAN = {"entailment": "ja", "neutral": "vielleicht", "contradiction": "nein"}
PLACE = "params.yaml: methods.dpa"


class Settings(Strictly):
    label_words: LabelWords = "dpa"
    pieces: SplitWords = "last"


def read(words):
    return parse(Settings, {"label_words": words}, place=PLACE).label_words


@pytest.mark.parametrize("name", get_args(ListName))
def test_a_list_has_different_words_in_every_language(name):
    words = words_of(read(name))
    assert list(words) == list(LANGUAGES)
    for by_label in words.values():
        assert tuple(by_label) == LABELS
        assert len({word for (word,) in by_label.values()}) == 3


def test_the_corrected_list_differs_from_dpas_in_what_is_wrong_there():
    both = zip(*(words_of(name).items() for name in ("dpa", "corrected")), strict=True)
    changes = {
        (code, label): (before[label], after[label])
        for (code, before), (_, after) in both
        for label in LABELS
        if before[label] != after[label]
    }
    assert changes == {
        ("el", "entailment"): (("Μάλιστα",), ("Ναι",)),
        ("hi", "entailment"): (("हां",), ("हाँ",)),
        ("hi", "contradiction"): (("न",), ("नहीं",)),
        ("ru", "neutral"): (("може",), ("возможно",)),
        ("vi", "entailment"): (("dạ",), ("có",)),
        ("zh", "contradiction"): (("否",), ("不",)),
    }


def test_the_corrected_greek_yes_has_no_latin_letter():
    (published,), (corrected,) = (
        words_of(name)["el"]["entailment"] for name in ("zhao-schuetze", "corrected")
    )
    assert [letter for letter in published if letter.isascii()] == ["N"]
    assert not any(map(str.isascii, corrected))


def test_a_list_may_have_several_words_for_a_label(monkeypatch):
    monkeypatch.setitem(LISTS, "dpa", {"de": ("ja", ("vielleicht", "womöglich"), "nein")})
    assert words_of("dpa")["de"]["neutral"] == ("vielleicht", "womöglich")


def test_words_may_be_given_by_language_in_any_order_of_labels():
    words = {"neutral": ["vielleicht", {"piece": "womöglich"}], "contradiction": "nein"}
    found = words_of(read({"de": words | {"entailment": "ja"}}))
    assert list(found["de"].items()) == [
        ("entailment", ("ja",)),
        ("neutral", ("vielleicht", Piece(piece="womöglich"))),
        ("contradiction", ("nein",)),
    ]


def test_one_word_is_the_same_setting_as_a_list_of_it():
    def written(words):
        values = {"label_words": {"de": words}}
        return json.dumps(parse(Settings, values, place=PLACE).model_dump(mode="json"))

    assert written(GERMAN) == written({label: [word] for label, word in GERMAN.items()})
    assert written(GERMAN) != written(GERMAN | {"neutral": ["vielleicht", "womöglich"]})


MISTAKES = [
    ("dap", "expected zhao-schuetze, dpa or corrected, found 'dap'"),
    (["dpa"], "expected zhao-schuetze, dpa or corrected, found ['dpa']"),
    ({}, "expected at least one entry, found {}"),
    ({"german": GERMAN}, "expected a language code of two small letters, found 'german'"),
    ({"xx": GERMAN}, "expected languages of the table in pipeline/languages.py "
     f"({', '.join(LANGUAGES)}), found 'xx'"),
]  # fmt: skip
GERMAN_MISTAKES = [
    ("ja", ": expected keys and values, found 'ja'"),
    ({"entailment": "ja", "neutral": "vielleicht"},
     f": expected a word for each of {', '.join(LABELS)}, found none for contradiction"),
    (GERMAN | {"maybe": "x"}, ": expected entailment, neutral or contradiction, found 'maybe'"),
    (GERMAN | {"neutral": "ja"}, ": expected distinct values, found 'ja' twice"),
    (GERMAN | {"neutral": ["a", "b", "a"]}, ": expected distinct values, found 'a' twice"),
    (GERMAN | {"neutral": 5}, ".neutral: expected text, found 5"),
    (GERMAN | {"neutral": ""}, ".neutral: expected some text, found ''"),
    (GERMAN | {"neutral": []}, ".neutral: expected at least one entry, found []"),
    (GERMAN | {"neutral": ["a", True]}, ".neutral, entry 2: expected text, found true"),
    (GERMAN | {"neutral": {"piece": ""}}, ".neutral.piece: expected some text, found ''"),
]  # fmt: skip
MISTAKES = [(words, f": {rest}") for words, rest in MISTAKES]
MISTAKES += [({"de": words}, f".de{rest}") for words, rest in GERMAN_MISTAKES]


@pytest.mark.parametrize(("words", "rest"), MISTAKES, ids=[rest[:60] for _, rest in MISTAKES])
def test_a_mistake_is_one_line_with_its_place(words, rest):
    assert refusal(read, words) == f"{PLACE}.label_words{rest}"


def test_a_word_of_several_pieces_is_cut_or_refused():
    line = refusal(parse, Settings, {"pieces": "first"}, place=PLACE)
    assert line == f"{PLACE}.pieces: expected last or refuse, found 'first'"
