"""The pool of English pairs."""

import pandas as pd

from pipeline.corpora.pairs import clean_pool, read_paws_x
from pipeline.params.text import PairSource
from tests import toys
from tests.commands import refusal


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
    pool, left_out = clean_pool(raw, test)
    assert list(pool.pair_id) == ["train-0", "train-7"]
    assert left_out == {"blank": 3, "repeated": 1, "in the test": 2}


def test_splits_are_read_in_the_order_of_the_parameters(tmp_path):
    for split, first in (("validation", "v"), ("test", "t")):
        frame = pd.DataFrame({"id": [1, 2], "sentence1": [first, "b"], "sentence2": ["c", "d"]})
        toys.write_parquet(frame, tmp_path / "en" / f"{split}-00000-of-00001.parquet")
    source = PairSource(path=str(tmp_path), splits=("test", "validation"))
    rows = read_paws_x(source, "en")
    assert list(rows.pair_id) == ["test-0", "test-1", "validation-0", "validation-1"]
    assert list(rows.premise) == ["t", "b", "v", "b"]


def test_a_pool_without_its_columns_is_refused(tmp_path):
    frame = pd.DataFrame({"id": [1], "premise": ["a"]})
    toys.write_parquet(frame, tmp_path / "en" / "train-00000-of-00001.parquet")
    assert refusal(read_paws_x, PairSource(path=str(tmp_path), splits=("train",)), "en") == (
        f"{tmp_path}: en/train: expected a column sentence1, found id, premise"
    )
