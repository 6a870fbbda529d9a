"""The bench of mpt predict, on few rows."""

import sys

import pandas as pd
import pytest

from bench import predict
from pipeline.errors import RunError
from tests.export.models import examples, trained, write


@pytest.fixture
def pairs(tmp_path, monkeypatch, toy_backbone):
    """A folder with an export of ft and a file of short pairs."""
    write(tmp_path / "ft", trained(toy_backbone, "ft"), toy_backbone, monkeypatch)
    frame = examples()
    frame[frame.premise.str.len() < 50].to_parquet(tmp_path / "pairs.parquet")
    return tmp_path


def test_both_are_measured_on_the_same_rows(pairs, monkeypatch, capsys):
    arguments = [str(pairs / "ft"), str(pairs / "pairs.parquet"), "--rows", "40", "--many", "90"]
    monkeypatch.setattr(sys, "argv", ["bench.predict", *arguments])
    predict.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines[:2]] == ["ours: 40 rows", "pipeline: 40 rows"]
    assert lines[2].startswith("ours, more: 90 rows")
    assert lines[3].startswith("ours / pipeline: ")


def test_rows_are_repeated_in_order(pairs):
    path = predict.repeated(pairs / "pairs.parquet", 40, pairs / "more.parquet")
    few, more = pd.read_parquet(pairs / "pairs.parquet"), pd.read_parquet(path)
    assert more.premise.tolist() == (few.premise.tolist() * 40)[:40]


def test_a_process_that_fails_is_named():
    with pytest.raises(RunError, match="expected it to end well"):
        predict.measured("-c", "raise SystemExit(3)")
