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
from pipeline.corpora.files import ENGLISH_PAIRS, EXAMPLES
from pipeline.errors import InputError
from tests.commands import refusal


def examples():
    rows = [
        (code, f"test-{n // 2}", f"premise {n}", f"hypothesis {n} هل", n % 3)
        for n, code in enumerate(["en", "de"] * 2)
    ]
    return pd.DataFrame(rows, columns=EXAMPLES.schema.names)


@pytest.fixture
def written(tmp_path):
    """Writes examples and returns their bytes."""

    def write(frame):
        artifacts.write_table(frame, tmp_path / "test.parquet", EXAMPLES)
        return (tmp_path / "test.parquet").read_bytes()

    return write


def test_a_table_is_read_as_it_was_written(written, tmp_path):
    written(examples())
    back = artifacts.read_table(tmp_path / "test.parquet", EXAMPLES)
    assert list(back.columns) == EXAMPLES.schema.names
    assert back.astype({"language": str}).to_dict("list") == examples().to_dict("list")
    assert set(pq.read_schema(tmp_path / "test.parquet").metadata) == {artifacts.SEAL.encode()}


def test_the_same_rows_give_the_same_bytes(written):
    frame = examples()
    expected = written(frame)
    other = frame.assign(extra=1, language=frame.language.astype("category"))
    other = other[["extra", *reversed(frame.columns)]].set_index(pd.Index([9, 7, 5, 3], name="at"))
    assert written(other.astype({"label": "int64"})) == expected
    unused = pd.Categorical(frame.language, categories=["zh", "sw", "en", "de"])
    assert written(frame.assign(language=unused)) == expected
    assert written(frame.iloc[::-1]) != expected


def test_notes_are_read_as_they_were_written(tmp_path):
    path, notes = tmp_path / "test.parquet", {"source": "sample", "seed": "0"}
    artifacts.write_table(examples(), path, EXAMPLES, notes=notes)
    assert artifacts.read_notes(path) == notes
    artifacts.write_table(examples(), path, EXAMPLES)
    assert artifacts.read_notes(path) == {}


def stop_in_the_middle(path):
    with artifacts.atomic(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_write_that_fails_leaves_only_the_old_file(tmp_path):
    (tmp_path / "old.txt").write_text("whole")
    for name in ("old.txt", "deep/new.txt"):
        with pytest.raises(KeyboardInterrupt):
            stop_in_the_middle(tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "whole"


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
def test_rows_that_break_the_schema_are_not_written(frame, reason, written, tmp_path):
    before = written(examples())
    with pytest.raises((ValueError, KeyError), match=reason):
        written(frame)
    assert (tmp_path / "test.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["test.parquet"]


@pytest.mark.parametrize("read", [artifacts.read_table, lambda path, _: artifacts.read_notes(path)])
def test_a_missing_file_and_one_that_is_not_parquet_are_one_line(read, tmp_path):
    path = tmp_path / "x.parquet"
    assert refusal(read, path, EXAMPLES) == (
        f"{path}: expected the output of an earlier stage, found no such file"
    )
    for content in (b"", b"premise,hypothesis\n", b"PAR1 but no more"):
        path.write_bytes(content)
        expected = f"{path}: expected a Parquet file, found a damaged one"
        assert refusal(read, path, EXAMPLES) == expected


def test_a_damaged_table_is_one_line(tmp_path):
    path = tmp_path / "x.parquet"
    ids = [str(number) for number in range(999)]
    pq.write_table(pa.table({"pair_id": ids, "premise": ids}), path)
    content = path.read_bytes()
    path.write_bytes(b"PAR1" + bytes(2000) + content[2004:])
    form = artifacts.table({"pair_id": artifacts.TEXT, "premise": artifacts.TEXT}, "pair_id")
    assert refusal(artifacts.read_table, path, form) == (
        f"{path}: expected a Parquet file, found a damaged one"
    )


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"premise": ["b"]}, "column hypothesis: expected string, found no such column"),
        ({"premise": [1], "hypothesis": ["b"]}, "column premise: expected string, found int64"),
        ({"premise": ["b"], "hypothesis": [None]},
         "column hypothesis: expected string, found null"),
        ({"premise": pa.array([None], pa.string()), "hypothesis": ["b"]},
         "column premise: expected a value in each row, found 1 without"),
    ],
)  # fmt: skip
def test_a_wrong_column_is_named(columns, line, tmp_path):
    pq.write_table(pa.table({"pair_id": ["a"], **columns}), tmp_path / "x.parquet")
    assert refusal(artifacts.read_table, tmp_path / "x.parquet", ENGLISH_PAIRS) == (
        f"{tmp_path}/x.parquet: {line}"
    )


def test_columns_beyond_the_schema_are_ignored(tmp_path):
    frame = pd.DataFrame([("a", "b", "c")], columns=ENGLISH_PAIRS.schema.names)
    artifacts.write_table(frame, tmp_path / "x.parquet", ENGLISH_PAIRS)
    rows = pq.read_table(tmp_path / "x.parquet").select(["hypothesis", "premise", "pair_id"])
    pq.write_table(rows.append_column("extra", [[1]]), tmp_path / "x.parquet")
    back = artifacts.read_table(tmp_path / "x.parquet", ENGLISH_PAIRS)
    assert list(back.columns) == ["pair_id", "premise", "hypothesis"]


def edited(value, column, rows):
    return rows.set_column(rows.column_names.index(column), rows.schema.field(column), [value])


EDITS = {
    "other labels": lambda rows: edited(pa.array([0, 0, 0, 0], pa.int8()), "label", rows),
    "a blank text": lambda rows: edited(pa.array(["", "b", "c", "d"]), "premise", rows),
    "text that moved into the next row": lambda rows: edited(
        pa.array(["premise 0p", "remise 1", "premise 2", "premise 3"]), "premise", rows
    ),
    "another order": lambda rows: rows.take([3, 2, 1, 0]),
    "half of the rows": lambda rows: rows.slice(0, 2),
    "other notes": lambda rows: rows.replace_schema_metadata(
        rows.schema.metadata | {b"source": b"other"}
    ),
    "no notes": lambda rows: rows.replace_schema_metadata(None),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_content_that_its_stage_did_not_write_is_refused(edit, tmp_path):
    path = tmp_path / "x.parquet"
    artifacts.write_table(examples(), path, EXAMPLES, notes={"source": "sample"})
    pq.write_table(edit(pq.read_table(path)), path)
    line = refusal(artifacts.read_table, path, EXAMPLES)
    assert line.startswith(f"{path}: expected rows and notes of the SHA-256 that its stage wrote")


def test_no_flipped_bit_gives_other_rows(tmp_path):
    path, frame = tmp_path / "x.parquet", pd.concat([examples()] * 25, ignore_index=True)
    frame["pair_id"] = [f"p{n}" for n in range(len(frame))]
    artifacts.write_table(frame, path, EXAMPLES)
    whole, rows, refused = path.read_bytes(), artifacts.read_arrow(path, EXAMPLES), 0
    for place in range(4, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            assert artifacts.read_arrow(path, EXAMPLES).equals(rows), place
        except InputError:
            refused += 1
    assert refused > len(whole) / 7 / 2  # the others are in what a reader skips


def test_another_encoding_of_the_same_content_is_the_same(tmp_path):
    path = tmp_path / "x.parquet"
    artifacts.write_table(examples(), path, EXAMPLES, notes={"source": "sample"})
    before = path.read_bytes()
    options = {"compression": "gzip", "row_group_size": 1, "use_dictionary": False}
    pq.write_table(pq.read_table(path), path, **options)
    assert path.read_bytes() != before
    assert list(artifacts.read_table(path, EXAMPLES).premise) == list(examples().premise)


def test_a_flipped_bit_is_seen_in_columns_that_are_read_without_the_others(tmp_path):
    path, form = tmp_path / "x.parquet", artifacts.some_columns(EXAMPLES, "premise", "label")
    artifacts.write_table(examples(), path, EXAMPLES)
    whole = path.read_bytes()
    at = whole.index(b"hypothesis 0") - 60  # in the pages of the column before it
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert refusal(artifacts.read_table, path, form).endswith("found a damaged one")


def test_some_columns_are_read_without_the_others(tmp_path):
    path = tmp_path / "x.parquet"
    artifacts.write_table(examples(), path, EXAMPLES)
    pq.write_table(pq.read_table(path, columns=["label", "pair_id"]), path)
    form = artifacts.some_columns(EXAMPLES, "pair_id", "label")
    assert list(artifacts.read_table(path, form).columns) == ["pair_id", "label"]


@given(value=st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4))
def test_json_is_read_with_its_keys_in_order(value, tmp_path_factory):
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
    path = tmp_path / "a.json"
    assert "expected the output of an earlier stage" in refusal(artifacts.read_json, path)
    path.write_text('{"a": 1,\n b}')
    line = refusal(artifacts.read_json, path)
    assert line.startswith(f"{path}, line 2: expected JSON, found Expecting prop")
    path.write_bytes(b'{"a": "\xff"}')
    assert (
        refusal(artifacts.read_json, path) == f"{path}: expected JSON in UTF-8, found a damaged one"
    )


def test_csv_keeps_full_precision(tmp_path):
    frame = pd.DataFrame({"accuracy": [100 / 3, 0.1 + 0.2], "run": ["sp", "mpt"]})
    artifacts.write_csv(frame, tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\n")
    assert lines == ["accuracy,run", "33.333333333333336,sp", "0.30000000000000004,mpt", ""]
