"""The files that stages exchange: the same rows give the same bytes, and no half-written file."""

import json
import math

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import artifacts
from pipeline.cells.files import run_folder
from pipeline.corpora.files import ENGLISH_PAIRS, EXAMPLES, FEWSHOT, SPLITS, read_fewshot
from pipeline.errors import InputError


def examples(rows=4):
    return pd.DataFrame(
        {
            "language": ["en", "de"] * (rows // 2),
            "pair_id": [f"test-{row // 2}" for row in range(rows)],
            "premise": [f"premise {row}" for row in range(rows)],
            "hypothesis": [f"hypothesis {row} هل" for row in range(rows)],
            "label": [row % 3 for row in range(rows)],
        }
    )


def test_a_table_comes_back_as_it_was_written(tmp_path):
    artifacts.write_table(examples(), tmp_path / "test.parquet", EXAMPLES)
    back = artifacts.read_table(tmp_path / "test.parquet", EXAMPLES)
    assert list(back.columns) == EXAMPLES.schema.names
    assert back.astype({"language": str}).to_dict("list") == examples().to_dict("list")


def test_the_same_rows_give_the_same_bytes(tmp_path):
    frame = examples()
    artifacts.write_table(frame, tmp_path / "a.parquet", EXAMPLES)
    other = frame.assign(extra=1, language=frame.language.astype("category"))
    other = other[["extra", *reversed(frame.columns)]].set_index(pd.Index([9, 7, 5, 3], name="at"))
    artifacts.write_table(other.astype({"label": "int64"}), tmp_path / "b.parquet", EXAMPLES)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pq.read_schema(tmp_path / "b.parquet").metadata is None


def test_categories_that_no_row_has_do_not_change_the_bytes(tmp_path):
    frame = examples()
    artifacts.write_table(frame, tmp_path / "a.parquet", EXAMPLES)
    frame["language"] = pd.Categorical(frame.language, categories=["zh", "sw", "en", "de"])
    artifacts.write_table(frame, tmp_path / "b.parquet", EXAMPLES)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_other_rows_give_other_bytes(tmp_path):
    artifacts.write_table(examples(), tmp_path / "a.parquet", EXAMPLES)
    artifacts.write_table(examples().iloc[::-1], tmp_path / "b.parquet", EXAMPLES)
    assert (tmp_path / "a.parquet").read_bytes() != (tmp_path / "b.parquet").read_bytes()


def stop_in_the_middle(path):
    with artifacts.atomic(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "old.txt").write_text("whole")
    with pytest.raises(KeyboardInterrupt):
        stop_in_the_middle(tmp_path / "old.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "whole"


def test_a_first_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        stop_in_the_middle(tmp_path / "deep" / "new.txt")
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (examples().assign(premise=["a", None, "b", "c"]), "a value is missing"),
        (examples().assign(label=[0, math.nan, 1, 2]), "a value is missing"),
        (examples().assign(pair_id="one"), "language, pair_id repeats"),
        (examples().drop(columns="premise"), "premise"),
        (examples().assign(label="no"), "no"),
        (examples().assign(label=300), "300"),
    ],
    ids=["no text", "no label", "key twice", "no column", "text for a label", "label too large"],
)
def test_rows_that_break_the_schema_are_not_written(frame, reason, tmp_path):
    path = tmp_path / "test.parquet"
    artifacts.write_table(examples(), path, EXAMPLES)
    before = path.read_bytes()
    with pytest.raises((ValueError, KeyError), match=reason):
        artifacts.write_table(frame, path, EXAMPLES)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["test.parquet"]


def test_a_missing_table_is_one_line(tmp_path):
    with pytest.raises(InputError) as caught:
        artifacts.read_table(tmp_path / "no.parquet", EXAMPLES)
    assert str(caught.value) == (
        f"{tmp_path}/no.parquet: expected the output of an earlier stage, found no such file"
    )


@pytest.mark.parametrize("content", [b"", b"premise,hypothesis\n", b"PAR1 but no more"])
def test_a_file_that_is_no_parquet_is_one_line(content, tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        artifacts.read_table(path, EXAMPLES)
    assert str(caught.value) == f"{path}: expected a Parquet file, found something else"


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"pair_id": ["a"], "premise": ["b"]}), path)
    with pytest.raises(InputError) as caught:
        artifacts.read_table(path, ENGLISH_PAIRS)
    assert str(caught.value) == (
        f"{path}: column hypothesis: expected string, found no such column"
    )


def test_a_column_of_another_type_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    columns = {"pair_id": ["a"], "premise": [1], "hypothesis": ["b"]}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError) as caught:
        artifacts.read_table(path, ENGLISH_PAIRS)
    assert str(caught.value) == f"{path}: column premise: expected string, found int64"


def test_columns_beyond_the_schema_are_left_out(tmp_path):
    columns = {"extra": [1], "pair_id": ["a"], "hypothesis": ["c"], "premise": ["b"]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    back = artifacts.read_table(tmp_path / "x.parquet", ENGLISH_PAIRS)
    assert list(back.columns) == ["pair_id", "premise", "hypothesis"]


def test_a_hole_in_a_column_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"pair_id": ["a"], "premise": ["b"], "hypothesis": [None]}), path)
    with pytest.raises(InputError, match="column hypothesis: expected string, found"):
        artifacts.read_table(path, ENGLISH_PAIRS)
    columns = {"pair_id": ["a", "b"], "premise": ["b", None], "hypothesis": ["c", "d"]}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError) as caught:
        artifacts.read_table(path, ENGLISH_PAIRS)
    assert (
        str(caught.value)
        == f"{path}: column premise: expected a value in each row, found 1 without"
    )


def split_frame(*names):
    return pd.concat([examples().assign(split=name) for name in names]).drop(columns="language")


@pytest.fixture
def splits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(*names):
        frame = split_frame(*names).drop_duplicates(["split", "pair_id"])
        artifacts.write_table(frame, FEWSHOT / "k2.parquet", SPLITS)

    return write


def test_one_split_serves_every_seed(splits):
    splits("train", "dev")
    train, dev = read_fewshot(2, seed=5)
    assert set(train.split) == {"train"}
    assert set(dev.split) == {"dev"}


def test_a_split_a_seed_serves_its_own_seed(splits):
    splits("train@1", "train@5", "dev@1", "dev@5")
    train, dev = read_fewshot(2, seed=5)
    assert (set(train.split), set(dev.split)) == ({"train@5"}, {"dev@5"})
    assert list(train.index) == list(range(len(train)))


def test_a_seed_without_a_split_is_one_line(splits):
    splits("train@1", "dev@1")
    with pytest.raises(InputError) as caught:
        read_fewshot(2, seed=5)
    assert str(caught.value) == (
        "data/fewshot/k2.parquet: expected a train split for seed 5, found dev@1, train@1 "
        "(is the seed in params.yaml's grid.seeds?)"
    )


@given(
    value=st.dictionaries(
        st.text(max_size=3), st.integers() | st.text(max_size=5) | st.none(), max_size=4
    )
)
def test_json_comes_back_with_its_keys_in_order(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "value.json"
    artifacts.write_json(value, path)
    back = artifacts.read_json(path)
    assert back == value
    assert list(back) == list(value)


def test_json_holds_no_nan_and_no_escapes(tmp_path):
    path = tmp_path / "a.json"
    artifacts.write_json({"word": "问题"}, path)
    assert "问题" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="JSON"):
        artifacts.write_json({"p": math.nan}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"word": "问题"}


def test_json_that_is_missing_or_broken_is_one_line(tmp_path):
    with pytest.raises(InputError, match="expected the output of an earlier stage"):
        artifacts.read_json(tmp_path / "no.json")
    (tmp_path / "a.json").write_text('{"a": 1,\n b}')
    with pytest.raises(InputError, match=r"a\.json, line 2: expected JSON, found Expecting prop"):
        artifacts.read_json(tmp_path / "a.json")


def test_csv_keeps_full_precision(tmp_path):
    frame = pd.DataFrame({"accuracy": [100 / 3, 0.1 + 0.2], "run": ["sp", "mpt"]})
    artifacts.write_csv(frame, tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\n")
    assert lines == ["accuracy,run", "33.333333333333336,sp", "0.30000000000000004,mpt", ""]


def test_a_cell_has_its_own_folder():
    assert str(run_folder("mpt", 16, 1)) == "data/runs/mpt/k16/s1"
