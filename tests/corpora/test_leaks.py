"""The guard against test text in training: what counts as the same text."""

import pandas as pd

from pipeline.corpora.leaks import normal, pair_texts, refuse_pairs_of, sentences_by_language
from tests.commands import refusal


def frame(*pairs):
    rows = [(f"train-{row}", *pair) for row, pair in enumerate(pairs)]
    return pd.DataFrame(rows, columns=["pair_id", "premise", "hypothesis"])


def test_spaces_and_case_make_no_difference():
    assert normal("  A Dog\truns.\n") == normal("a dog  RUNS.") == "a dog runs."
    assert normal("STRASSE") == normal("Straße")
    assert normal("A dog runs.") != normal("A dog runs")


def test_a_pair_is_its_premise_and_its_hypothesis_in_this_order():
    keys = pair_texts(frame(("a b", "c"), ("a", "b c"), ("c", "a b"), ("A  b", "C")))
    assert keys[0] == keys[3]
    assert keys[:3].is_unique


def test_a_held_out_pair_is_named():
    held_out, names = frame(("A dog.", "It runs.")), {"place": "here", "of": "the test set"}
    refuse_pairs_of(held_out, frame(("It runs.", "A dog.")), **names)
    leaking = frame(("x", "y"), ("a DOG.", "it runs."))
    assert refusal(refuse_pairs_of, held_out, leaking, **names) == (
        "here: expected no text of the test set, found the pair train-1 in it "
        "('a DOG.', 'it runs.')"
    )


def test_an_empty_set_leaks_nothing():
    empty = frame()
    refuse_pairs_of(empty, frame(("a", "b")), place="here", of="the test set")
    refuse_pairs_of(frame(("a", "b")), empty, place="here", of="the test set")


def test_a_sentence_of_either_side_is_known():
    test = frame(("A  dog.", "It RUNS."), ("Ein Hund.", "x")).assign(language=["en", "de"])
    assert sentences_by_language(test) == {"en": {"a dog.", "it runs."}, "de": {"ein hund.", "x"}}
