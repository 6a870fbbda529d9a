"""The draw of the parallel pairs, and the language of each."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.params.text import Paws15
from pipeline.translation.draw import draw_pairs, refuse_test_sentences, spare_pairs
from tests.commands import refusal
from tests.translation.projects import ALL, english

ASSIGNMENTS = pytest.mark.parametrize("assignment", ["balanced", "uniform"])


def paws15(pairs, *, seed=0, assignment="balanced"):
    return Paws15(pairs=pairs, seed=seed, assignment=assignment, engine="dataset", languages="all")


def draw(pairs, *, rows=60, languages=ALL, **changes):
    return draw_pairs(english(rows), paws15(pairs, **changes), languages)


@ASSIGNMENTS
@pytest.mark.parametrize("pairs", [1, 13, 14, 59])
def test_a_smaller_sample_is_a_prefix_of_a_larger_one_languages_included(pairs, assignment):
    larger, smaller = (draw(n, assignment=assignment) for n in (60, pairs))
    pd.testing.assert_frame_equal(smaller, larger.iloc[:pairs])


@ASSIGNMENTS
@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(20)), codes=st.permutations(ALL))
def test_the_draw_does_not_depend_on_the_order_of_rows_or_languages(order, codes, assignment):
    drawn = draw(15, rows=20, assignment=assignment)
    shuffled = english(20).iloc[order].reset_index(drop=True)
    again = draw_pairs(shuffled, paws15(15, assignment=assignment), tuple(codes))
    pd.testing.assert_frame_equal(again, drawn)


@pytest.mark.parametrize("pairs", [5, 14, 30, 500])
def test_balanced_counts_differ_by_at_most_one(pairs):
    counts = draw(pairs, rows=500).language.value_counts().reindex(ALL, fill_value=0)
    assert counts.sum() == pairs
    assert counts.max() - counts.min() <= 1
    if pairs == 500:
        assert sorted(counts) == [35] * 4 + [36] * 10


def test_balanced_languages_come_in_rounds_each_shuffled_anew():
    drawn = draw(56, rows=56)
    rounds = [tuple(drawn.language[start : start + 14]) for start in range(0, 56, 14)]
    assert all(sorted(codes) == sorted(ALL) for codes in rounds)
    assert len(set(rounds)) == 4


def test_uniform_counts_are_near_each_other_and_not_balanced():
    counts = draw(2800, rows=2800, assignment="uniform").language.value_counts()
    # 200 expected; the standard deviation of a count is 13.6.
    assert counts.reindex(ALL, fill_value=0).between(200 - 55, 200 + 55).all()
    assert counts.max() - counts.min() > 1


@ASSIGNMENTS
def test_another_seed_draws_other_pairs_and_languages(assignment):
    first, other = (draw(30, seed=seed, assignment=assignment) for seed in (0, 1))
    assert set(first.pair_id) != set(other.pair_id)
    both = first.merge(other, on="pair_id")
    assert len(both) > 5
    assert (both.language_x != both.language_y).any()


def test_pairs_are_drawn_once():
    drawn = draw(60)
    assert sorted(drawn.pair_id) == sorted(english(60).pair_id)
    assert list(drawn.pair_id) != list(english(60).pair_id)


def test_more_pairs_than_the_pool_has_are_refused():
    assert refusal(draw, 61) == (
        "params.yaml: paws15.pairs: expected at most 60, the usable pairs of datasets.paws_x, "
        "found 61"
    )


def test_spares_are_the_other_pairs_from_the_end():
    spares = spare_pairs(english(60), paws15(50))
    assert list(spares.pair_id) == list(draw(60).pair_id[50:])[::-1]
    # A larger sample draws from the front, and leaves the same spares at the end.
    assert list(spare_pairs(english(60), paws15(55)).pair_id) == list(spares.pair_id[:5])
    assert spare_pairs(english(60), paws15(60)).empty


TEST = {
    "en": frozenset({"atestpremise", "atesthypothesis"}),
    "de": frozenset({"einsatz", "nocheiner"}),
}


def translated(target):
    pairs = draw(4, languages=(target,))
    return pairs.assign(
        target_premise=target + pairs.premise, target_hypothesis=target + pairs.hypothesis
    )


@pytest.mark.parametrize(
    ("column", "text", "language"),
    [
        ("premise", "A TEST\tpremise.", "en"),
        ("hypothesis", "A test premise.", "en"),
        ("target_premise", "noch einer.", "de"),
        ("target_hypothesis", "Ein Satz.", "de"),
    ],
)
def test_pairs_with_a_test_sentence_are_refused(column, text, language):
    pairs = translated("de")
    refuse_test_sentences(pairs, TEST, source="en", place="here")
    pairs.loc[2, column] = text
    assert refusal(refuse_test_sentences, pairs, TEST, source="en", place="here") == (
        f"here: expected no sentence of the test set, found the {column} of "
        f"{pairs.pair_id[2]} in {language} ({text!r})"
    )


def test_a_test_sentence_of_another_language_is_no_leak():
    pairs = translated("fr")
    pairs.loc[2, "target_premise"] = "Ein Satz."
    refuse_test_sentences(pairs, TEST, source="en", place="here")
    german = pairs.assign(language="de")
    assert "in de ('Ein Satz.')" in refusal(
        refuse_test_sentences, german, TEST, source="en", place="here"
    )
