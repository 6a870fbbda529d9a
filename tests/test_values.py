"""Inputs of a cell that have the right form and wrong values: one line, exit code 2."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifacts import read_notes, write_table
from pipeline.backbone.files import TOKENIZED
from pipeline.corpora.files import EXAMPLES, PARALLEL_PAIRS, SPLITS
from pipeline.corpora.reading import read_fewshot, split_sha256
from pipeline.errors import RunError
from tests.commands import call, only_line, refusal

SPLIT, PAIRS = "data/fewshot/k1.parquet", "data/paws15/pairs.parquet"
TEST, TOKENS = "data/corpora/test.parquet", "data/tokens/base.parquet"
FORMS = {SPLIT: SPLITS, PAIRS: PARALLEL_PAIRS, TEST: EXAMPLES, TOKENS: TOKENIZED}


@pytest.fixture
def refused(prepared, monkeypatch, capsys):
    """Train a cell, and return the line with which it is refused."""

    def fit(*_, **__):
        raise RunError("the cell has believed its inputs")

    monkeypatch.setattr("pipeline.training.loop.fit", fit)

    def train(run="mpt", shots="1"):
        capsys.readouterr()
        code = call(monkeypatch, "train", run, "--shots", shots, "--seed", "3")
        line = only_line(capsys.readouterr().err)
        assert code == 2, line
        return line

    return train


def edit(path, change):
    """Change the columns of a file (lists by name), and keep its notes as they are."""
    rows = pq.read_table(path)
    columns = rows.to_pydict()
    change(columns)
    pq.write_table(pa.table(columns, schema=rows.schema), path)


def made_so(path, **notes):
    """Write a file again as its stage would have made it with the values that it has."""
    frame = pq.read_table(path).to_pandas()
    write_table(frame, Path(path), FORMS[path], notes=read_notes(Path(path)) | notes)


def put(column, value, row=1):
    return lambda columns: columns[column].__setitem__(row, value)


def rotated(column):
    def change(columns):
        columns[column] = columns[column][1:] + columns[column][:1]

    return change


def languages_swapped(columns):
    codes = sorted(set(columns["language"]))[:2]
    other = dict(zip(codes, reversed(codes), strict=True))
    columns["language"] = [other.get(code, code) for code in columns["language"]]


def doubled(columns):
    """The second half is the first again, under its own ids."""
    number = len(columns["pair_id"])
    for name in columns.keys() - {"pair_id"}:
        columns[name][number // 2 :] = columns[name][: number - number // 2]


def into_english(columns):
    columns["language"][1] = "en"
    for side in ("premise", "hypothesis"):
        columns[f"target_{side}"][1] = columns[side][1]


TRIALS = {
    "label -1 in a split": (SPLIT, put("label", -1), "row 1: label: expected a label id, 0 to 2"),
    "label 7 in a split": (SPLIT, put("label", 7), "row 1: label: expected a label id, 0 to 2"),
    "another label in a split": (SPLIT, put("label", 0), "expected 1 pairs of each label in train"),
    "a blank premise": (SPLIT, put("premise", " "), "row 1: premise: expected text, found ' '"),
    "label 7 in the test set": (TEST, put("label", 7), "row 1: label: expected a label id"),
    "a blank test premise": (TEST, put("premise", ""), "row 1: premise: expected text, found ''"),
    "other test labels": (TEST, rotated("label"), None),
    "test languages swapped": (TEST, languages_swapped, "expected the languages of params.yaml"),
    "pairs doubled": (PAIRS, doubled, "expected each pair once"),
    "pairs into English": (PAIRS, into_english, "row 1: language: expected one of "),
    "languages of pairs swapped": (PAIRS, languages_swapped, None),
    "a blank translation": (PAIRS, put("target_premise", ""), "row 1: target_premise: expected te"),
    "translations of other pairs": (PAIRS, rotated("target_premise"), None),
    "tokens of other texts": (TOKENS, rotated("ids"), None),
}
"""A file, an edit of it, and what is wrong with it if nobody notes that it was edited."""


@pytest.mark.parametrize(("path", "change", "line"), TRIALS.values(), ids=TRIALS)
def test_an_edited_file_is_refused(path, change, line, refused):
    edit(path, change)
    assert refused().startswith(f"{path}: expected rows and notes of the SHA-256 that its stage ")


@pytest.mark.parametrize(
    ("path", "change", "line"),
    [trial for trial in TRIALS.values() if trial[2]],
    ids=[name for name, trial in TRIALS.items() if trial[2]],
)
def test_values_that_no_stage_makes_are_refused_however_they_came(path, change, line, refused):
    edit(path, change)
    frame = pq.read_table(path).to_pandas()
    made_so(path, **({"sha256": split_sha256(frame)} if path == SPLIT else {}))
    found = refused()
    assert found.startswith(path)
    assert line in found


def test_a_split_with_the_hash_of_another_is_refused(refused):
    made_so(SPLIT, sha256="ab" * 32)
    assert refused().startswith(
        f"{SPLIT}: expected pairs with the SHA-256 of its metadata, abababababab, found "
    )


def test_a_split_under_the_name_of_another_is_refused(refused, monkeypatch):
    assert call(monkeypatch, "fewshot", "--shots", "2") == 0
    shutil.copy("data/fewshot/k2.parquet", SPLIT)
    assert refused() == (
        f"{SPLIT}: expected 1 pairs of each label in train, found 2, 2, 2 (stage fewshot)"
    )


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_flipped_bit_in_the_backbone_is_refused(name, refused):
    path = Path("data/backbones/base") / name
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    recorded = json.loads(Path("data/backbones/base.json").read_text())["sha256"][name]
    assert refused().startswith(
        f"{path}: expected the SHA-256 {recorded[:12]} of data/backbones/base.json, found "
    )


def test_a_backbone_that_changes_between_cells_is_noticed(refused):
    from pipeline.backbone.checkpoint import digests, require_recorded

    folder = Path("data/backbones/base")
    recorded = digests(folder, ["model.safetensors"])
    require_recorded(folder, recorded)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert refusal(require_recorded, folder, recorded).startswith(f"{path}: expected the SHA-256")


@pytest.mark.parametrize("names", [("train", "dev"), ("train@5", "dev@5", "train@1", "dev@1")])
def test_one_split_serves_every_seed_or_its_own(names, prepared):
    write_splits(*names)
    train, dev = read_fewshot(1, seed=5)
    assert (set(train.split), set(dev.split)) == ({names[0]}, {names[1]})
    assert list(train.index) == list(range(len(train)))


def test_a_seed_without_its_split_is_refused(prepared):
    write_splits("train@1", "dev@1")
    assert refusal(read_fewshot, 1, seed=5) == (
        "data/fewshot/k1.parquet: expected a train split for seed 5, found dev@1, train@1 "
        "(is the seed in params.yaml's grid.seeds?)"
    )


def write_splits(*names):
    """Write a file with the training pairs of k = 1 in parts of these names."""
    whole = pq.read_table(SPLIT).to_pandas()
    part = whole[whole.split == "train"]
    frame = pd.concat([part.assign(split=name) for name in names])
    write_table(frame, Path(SPLIT), SPLITS, notes={"sha256": split_sha256(frame)})
