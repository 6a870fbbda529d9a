"""Parallel pairs: the pool, the draw, and the language of each pair."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.corpora.pairs import (
    clean_pool,
    draw_pairs,
    read_paws_x,
    refuse_test_sentences,
    spare_pairs,
)
from pipeline.errors import InputError
from pipeline.params.text import PairSource, Paws15
from tests import toys

LANGUAGES = ("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")


def pool(rows=60):
    return pd.DataFrame(
        {
            "pair_id": [f"train-{row}" for row in range(rows)],
            "premise": [f"the first sentence {row}" for row in range(rows)],
            "hypothesis": [f"the second sentence {row}" for row in range(rows)],
        }
    )


def paws15(pairs, *, seed=0, assignment="balanced"):
    return Paws15(pairs=pairs, seed=seed, assignment=assignment, engine="dataset", languages="all")


ASSIGNMENTS = pytest.mark.parametrize("assignment", ["balanced", "uniform"])


@ASSIGNMENTS
@pytest.mark.parametrize("pairs", [1, 13, 14, 59])
def test_a_smaller_sample_is_a_prefix_of_a_larger_one_languages_included(pairs, assignment):
    larger = draw_pairs(pool(), paws15(60, assignment=assignment), LANGUAGES)
    smaller = draw_pairs(pool(), paws15(pairs, assignment=assignment), LANGUAGES)
    pd.testing.assert_frame_equal(smaller, larger.iloc[:pairs])


@ASSIGNMENTS
@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(20)), codes=st.permutations(LANGUAGES))
def test_the_draw_does_not_depend_on_the_order_of_rows_or_languages(order, codes, assignment):
    drawn = draw_pairs(pool(20), paws15(15, assignment=assignment), LANGUAGES)
    shuffled = pool(20).iloc[order].reset_index(drop=True)
    again = draw_pairs(shuffled, paws15(15, assignment=assignment), tuple(codes))
    pd.testing.assert_frame_equal(again, drawn)


@pytest.mark.parametrize("pairs", [5, 14, 30, 500])
def test_balanced_counts_differ_by_one_at_most(pairs):
    drawn = draw_pairs(pool(500), paws15(pairs), LANGUAGES)
    counts = drawn.language.value_counts().reindex(LANGUAGES, fill_value=0)
    assert counts.sum() == pairs
    assert counts.max() - counts.min() <= 1


def test_five_hundred_pairs_in_fourteen_languages_are_35_or_36_each():
    counts = draw_pairs(pool(500), paws15(500), LANGUAGES).language.value_counts()
    assert sorted(counts) == [35] * 4 + [36] * 10


def test_balanced_languages_come_in_rounds_each_shuffled_anew():
    drawn = draw_pairs(pool(56), paws15(56), LANGUAGES)
    rounds = [tuple(drawn.language[start : start + 14]) for start in range(0, 56, 14)]
    assert all(sorted(one) == sorted(LANGUAGES) for one in rounds)
    assert len(set(rounds)) == 4


def test_uniform_counts_are_near_each_other_and_not_balanced():
    drawn = draw_pairs(pool(2800), paws15(2800, assignment="uniform"), LANGUAGES)
    counts = drawn.language.value_counts().reindex(LANGUAGES, fill_value=0)
    # 200 expected; the standard deviation of a count is 13.6.
    assert counts.between(200 - 55, 200 + 55).all()
    assert counts.max() - counts.min() > 1


@ASSIGNMENTS
def test_another_seed_draws_other_pairs_and_languages(assignment):
    first = draw_pairs(pool(), paws15(30, assignment=assignment), LANGUAGES)
    other = draw_pairs(pool(), paws15(30, seed=1, assignment=assignment), LANGUAGES)
    assert set(first.pair_id) != set(other.pair_id)
    both = first.merge(other, on="pair_id")
    assert len(both) > 5
    assert (both.language_x != both.language_y).any()


def test_pairs_are_drawn_once():
    drawn = draw_pairs(pool(), paws15(60), LANGUAGES)
    assert sorted(drawn.pair_id) == sorted(pool().pair_id)
    assert list(drawn.pair_id) != list(pool().pair_id)


def test_more_pairs_than_there_are_is_one_line():
    with pytest.raises(InputError) as caught:
        draw_pairs(pool(), paws15(61), LANGUAGES)
    assert str(caught.value) == (
        "params.yaml: paws15.pairs: expected at most the 60 usable pairs of datasets.paws_x, "
        "found 61"
    )


def test_the_pool_has_no_blank_repeated_or_test_text():
    raw = pd.DataFrame(
        [
            ("train-0", "A dog runs.", "It moves."),
            ("train-1", "", "It moves."),
            ("train-2", "A cat sleeps.", None),
            ("train-3", "NS", "A man."),
            ("train-4", "a  DOG runs.", "it moves."),
            ("train-5", "A test  premise.", "Fresh."),
            ("train-6", "Fresh.", "a test HYPOTHESIS."),
            ("train-7", "It moves.", "A dog runs."),
        ],
        columns=["pair_id", "premise", "hypothesis"],
    )
    test = pd.DataFrame({"premise": ["A test premise."], "hypothesis": ["A test hypothesis."]})
    assert list(clean_pool(raw, test).pair_id) == ["train-0", "train-7"]


def test_splits_are_read_one_after_another_in_the_order_of_the_parameters(tmp_path):
    for split, first in (("validation", "v"), ("test", "t")):
        frame = pd.DataFrame({"id": [1, 2], "sentence1": [first, "b"], "sentence2": ["c", "d"]})
        toys.write_parquet(frame, tmp_path / "en" / f"{split}-00000-of-00001.parquet")
    source = PairSource(path=str(tmp_path), splits=("test", "validation"))
    rows = read_paws_x(source, "en")
    assert list(rows.pair_id) == ["test-0", "test-1", "validation-0", "validation-1"]
    assert list(rows.premise) == ["t", "b", "v", "b"]


def test_a_pool_without_its_columns_is_one_line(tmp_path):
    frame = pd.DataFrame({"id": [1], "premise": ["a"]})
    toys.write_parquet(frame, tmp_path / "en" / "train-00000-of-00001.parquet")
    with pytest.raises(InputError) as caught:
        read_paws_x(PairSource(path=str(tmp_path), splits=("train",)), "en")
    assert str(caught.value) == (
        f"{tmp_path}: en/train: expected a column sentence1, found id, premise"
    )


def translated(pairs):
    return pairs.assign(
        target_premise=pairs.language + " " + pairs.premise,
        target_hypothesis=pairs.language + " " + pairs.hypothesis,
        engine="dataset",
    )


TEST = pd.DataFrame(
    {
        "language": ["en", "de"],
        "premise": ["A test premise.", "Ein Satz."],
        "hypothesis": ["A test hypothesis.", "Noch einer."],
    }
)


@pytest.mark.parametrize(
    ("column", "text", "language"),
    [
        ("premise", "A TEST  premise.", "en"),
        ("hypothesis", "A test premise.", "en"),
        ("target_premise", "noch einer.", "de"),
        ("target_hypothesis", "Ein Satz.", "de"),
    ],
)
def test_pairs_with_a_test_sentence_are_refused(column, text, language):
    pairs = translated(draw_pairs(pool(), paws15(4), ("de",)))
    refuse_test_sentences(pairs, TEST, source="en")
    pairs.loc[2, column] = text
    with pytest.raises(InputError) as caught:
        refuse_test_sentences(pairs, TEST, source="en")
    assert str(caught.value) == (
        f"data/paws15/pairs.parquet: expected no sentence of the test set, found the {column} of "
        f"{pairs.pair_id[2]} in {language} ({text!r})"
    )


def test_a_test_sentence_of_another_language_is_no_leak():
    pairs = translated(draw_pairs(pool(), paws15(4), ("fr",)))
    pairs.loc[2, "target_premise"] = "Ein Satz."
    refuse_test_sentences(pairs, TEST, source="en")


def test_spares_are_the_pairs_not_drawn_from_the_far_end():
    whole = draw_pairs(pool(), paws15(60), LANGUAGES)
    spares = spare_pairs(pool(), paws15(50))
    assert list(spares.pair_id) == list(whole.pair_id[50:])[::-1]
    # A larger sample takes from the near end what it needs.
    assert list(spare_pairs(pool(), paws15(55)).pair_id) == list(spares.pair_id[:5])
    assert spare_pairs(pool(), paws15(60)).empty
