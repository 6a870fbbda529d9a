"""Datasets from folders, and from a Hub on the loopback through the real client."""

import subprocess
import sys

import datasets
import pandas as pd
import pytest

from pipeline import artifacts
from pipeline.corpora.files import ENGLISH_PAIRS, EXAMPLES
from pipeline.corpora.sources import read_split
from pipeline.params.text import Source
from tests import toys
from tests.commands import call, environment, only_line, refusal, run
from tests.hub_server import Repository, closed_port, serving
from tests.imports import ROOT

XNLI, PAWS_X = "facebook/xnli", "google-research-datasets/paws-x"
NEW, PINNED, OTHER = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def hub(tmp_path):
    xnli, paws_x = toys.hub(tmp_path / "pinned")
    for other in ("README.md", "xnli.py", "fr/test-00000-of-00001.parquet", "en/train-old.csv"):
        (xnli / other).parent.mkdir(exist_ok=True)
        (xnli / other).write_text("not to be downloaded")
    moved_on, _ = toys.hub(tmp_path / "new", test=6)
    with serving(
        Repository("datasets", XNLI, PINNED, xnli),
        Repository("datasets", XNLI, NEW, moved_on),
        Repository("datasets", PAWS_X, PINNED, paws_x),
    ) as running:
        yield running


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty working folder whose params.yaml names datasets on the Hub."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write(folder)
    return folder


def write(folder, **changes):
    pinned = {
        "datasets__xnli": {"path": XNLI, "revision": PINNED},
        "datasets__paws_x": {"path": PAWS_X, "revision": PINNED, "splits": ["validation"]},
    }
    toys.write_params(toys.params(**pinned | changes), folder / "params.yaml")


def written(project):
    return {path.name: path.read_bytes() for path in (project / "data/corpora").iterdir()}


def test_only_the_named_files_of_the_pinned_revision_are_downloaded_once(project, hub, tmp_path):
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    scratch.mkdir()
    settings = hub.settings(home) | {"TMPDIR": str(scratch)}
    ended = run(project, "corpora", **settings)
    assert (ended.returncode, ended.stderr) == (0, "")
    splits = [*(f"{code}/test" for code in ("en", *toys.TARGETS)), "en/validation", "en/train"]
    assert hub.downloaded == sorted(f"{split}-00000-of-00001.parquet" for split in splits)
    assert hub.revisions == {PINNED}
    test = artifacts.read_table(project / "data/corpora/test.parquet", EXAMPLES)
    assert len(test) == 12 * 4  # 6 per language in the commit that is now main
    pool = artifacts.read_table(project / "data/corpora/pairs_en.parquet", ENGLISH_PAIRS)
    assert len(pool) == 20
    # `datasets` leaves no copies behind.
    assert [path.name for path in home.iterdir()] == ["hub"]
    assert list(scratch.iterdir()) == []

    first = written(project)
    hub.requests.clear()
    assert run(project, "corpora", **settings).returncode == 0
    assert hub.downloaded == []
    assert written(project) == first
    unreachable = run(project, "corpora", **settings | {"HF_ENDPOINT": closed_port()})
    assert unreachable.returncode == 0
    assert unreachable.stderr == "".join(
        f"warning: {key}: {name} is read from the cache: the Hub gives no connection: "
        "[Errno 111] Connection refused\n"
        for key, name in (("datasets.xnli", XNLI), ("datasets.paws_x", PAWS_X))
    )
    assert written(project) == first


def test_without_a_revision_main_is_read(project, hub, tmp_path, monkeypatch):
    write(project, datasets__xnli={"path": XNLI})
    hub.use(monkeypatch, tmp_path / "cache")
    assert call(monkeypatch, "corpora") == 0
    assert hub.revisions == {NEW, PINNED}
    test = artifacts.read_table(project / "data/corpora/test.parquet", EXAMPLES)
    assert len(test) == 6 * 4


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"datasets__xnli": {"path": XNLI, "revision": OTHER}},
            f"params.yaml: datasets.xnli.revision: expected a revision of {XNLI} on the Hub, "
            f"found {OTHER}, which it lacks",
        ),
        (
            {"datasets__xnli": {"path": "facebook/xmli", "revision": PINNED}},
            "params.yaml: datasets.xnli.path: expected a folder, or a dataset on the Hub that is "
            "open to you, found neither at facebook/xmli",
        ),
        (
            {"datasets__paws_x": {"path": PAWS_X, "revision": PINNED, "splits": ["train"]}},
            f"params.yaml: datasets.paws_x: expected files en/train in {PAWS_X} "
            "(parquet, csv, tsv, jsonl), found none",
        ),
    ],
    ids=["revision", "repository", "split"],
)
def test_anything_that_the_hub_lacks_is_wrong_input(  # noqa: PLR0917
    changes, line, project, hub, tmp_path, monkeypatch, capsys
):
    write(project, **changes)
    hub.use(monkeypatch, tmp_path / "cache")
    assert call(monkeypatch, "corpora") == 2
    assert only_line(capsys.readouterr().err) == line
    assert not list((project / "data").glob("*"))


def test_a_hub_out_of_reach_is_a_failed_run(project, hub, tmp_path, monkeypatch, capsys):
    def reason(**changes):
        hub.use(monkeypatch, tmp_path / "cache", **changes)
        assert call(monkeypatch, "corpora") == 1
        assert not (project / "data").exists()
        line = only_line(capsys.readouterr().err)
        start = f"datasets.xnli: expected {XNLI} on the Hugging Face Hub (there is no such folder)"
        assert line.startswith(f"{start}, found ")
        return line.removeprefix(f"{start}, found ")

    assert reason(url=closed_port()) == "no connection: [Errno 111] Connection refused"
    assert reason(offline=True) == "the network switched off (HF_HUB_OFFLINE)"
    hub.status = 503
    assert reason() == "an error of the Hub, status 503"


def test_a_folder_is_read_as_load_dataset_reads_it(tmp_path):
    folder = ROOT / "data/pocket/hub/xnli"
    for config, split in (("en", "train"), ("sw", "test")):
        ours = read(folder, config=config, split=split)
        rows = datasets.load_dataset(str(folder), config, split=split, cache_dir=str(tmp_path))
        assert ours.to_dict("list") == rows.to_dict()


def test_reading_text_needs_neither_torch_nor_a_network():
    code = f"""
import socket, sys
from pathlib import Path
from pipeline.corpora.sources import read_files
asked = []
socket.getaddrinfo = lambda *address, **_: asked.append(address)
socket.socket.connect = lambda _, address: asked.append(address)
files = [Path({str(ROOT)!r}) / "data/pocket/hub/xnli/en/test-00000-of-00001.parquet"]
read_files(files, columns=("premise", "hypothesis", "label"), place="here")
assert not {{"torch", "transformers"}} & set(sys.modules)
assert not asked
"""
    settings = environment(HF_HUB_OFFLINE="0")
    done = subprocess.run([sys.executable, "-c", code], env=settings, check=False)
    assert done.returncode == 0


def read(folder, *, config="en", split="test"):
    return read_split(Source(path=str(folder)), config=config, split=split, key="datasets.xnli")


def write_split(folder, name="test-00000-of-00001", **columns):
    rows = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [0, 1]} | columns
    toys.write_parquet(pd.DataFrame(rows), folder / f"en/{name}.parquet")


@pytest.mark.parametrize("form", ["class labels", "text"])
def test_labels_are_mapped_by_name(form, tmp_path):
    names = ["contradiction", "entailment", "neutral"]
    kind = datasets.ClassLabel(names=names) if form != "text" else datasets.Value("string")
    text = datasets.Value("string")
    rows = datasets.Dataset.from_dict(
        {"premise": list("abc"), "hypothesis": list("efg"), "label": names},
        features=datasets.Features({"premise": text, "hypothesis": text, "label": kind}),
    )
    (tmp_path / "en").mkdir()
    rows.to_parquet(tmp_path / "en/test-00000-of-00001.parquet")
    assert list(read(tmp_path).label) == [2, 0, 1]


def test_class_labels_with_other_names_are_refused_and_numbers_are_no_names(tmp_path):
    text, names = datasets.Value("string"), ["contradiction", "neutral", "entails"]
    (tmp_path / "en").mkdir()
    for given in (["0", "1", "2"], names):
        features = {"premise": text, "hypothesis": text, "label": datasets.ClassLabel(names=given)}
        rows = datasets.Dataset.from_dict(
            {"premise": ["a"], "hypothesis": ["b"], "label": [2]},
            features=datasets.Features(features),
        )
        rows.to_parquet(tmp_path / "en/test-00000-of-00001.parquet")
        if given != names:
            assert list(read(tmp_path).label) == [2]
    assert refusal(read, tmp_path) == (
        f"{tmp_path}: en/test: label: expected the names entailment, neutral, contradiction, "
        "found contradiction, neutral, entails"
    )


@pytest.mark.parametrize("name", [".hidden", "a [1] *?", "a#b %20 c:d"])
def test_a_folder_may_have_any_name(name, tmp_path):
    write_split(tmp_path / name)
    assert list(read(tmp_path / name).premise) == ["a", "b"]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([0, 3], "3"),
        ([0, -2], "-2"),
        (["neutral", "Neutral"], "'Neutral'"),
        (["neutral", "0"], "'0'"),
        (["2", "3"], "3"),
    ],
)
def test_other_labels_are_refused(labels, found, tmp_path):
    write_split(tmp_path, label=labels)
    assert complaint(tmp_path) == (
        "HERE: en/test, row 1: expected label 0, 1 or 2 (entailment, neutral, contradiction), "
        f"found {found}"
    )


def test_the_files_of_a_split_are_read_in_their_order_and_others_are_not(tmp_path):
    for name, premise in (
        ("train-00001-of-00002", "second"),
        ("train-00000-of-00002", "first"),
        ("train-translations", "no split"),
        ("training-00000-of-00001", "another"),
    ):
        write_split(tmp_path, name, premise=premise)
    assert list(read(tmp_path, split="train").premise) == ["first"] * 2 + ["second"] * 2


ROWS = {"premise": ["No, none", 'a "b"', "NA"], "hypothesis": ["c\n", "", "None"]}


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("label", [[2, 0, 1], ["contradiction", "entailment", "neutral"]])
@pytest.mark.parametrize("form", ["parquet", "csv", "tsv", "jsonl"])
def test_every_form_gives_the_same_rows(form, label, packed, tmp_path):
    (tmp_path / "en").mkdir()
    whole = pd.DataFrame(ROWS | {"label": label})
    for part in range(2):
        rows = whole.iloc[: 2 - part] if part == 0 else whole.iloc[2:]
        path = str(tmp_path / f"en/test-0000{part}-of-00002.{form}{packed}")
        if form == "parquet":
            rows.to_parquet(path.removesuffix(".gz"), index=False)
        elif form == "jsonl":
            rows.to_json(path, orient="records", lines=True)
        else:
            rows.to_csv(path, sep="," if form == "csv" else "\t", index=False)
    assert read(tmp_path).to_dict("list") == ROWS | {"label": [2, 0, 1]}


@pytest.mark.parametrize(
    ("names", "range_of_parts"),
    [
        (["test-00000-of-00004"], "-00000-of-00004 to -00003-of-00004"),
        (["test-00000-of-00001", "test-00000-of-00001 (1)"], "-00000-of-00001 to -00000-of-00001"),
        (
            ["test-00000-of-00002", "test-00001-of-00002", "test-00000-of-00001"],
            "-00000-of-00002 to -00001-of-00002",
        ),
        (
            ["test-00000-of-00001-0123456789abcdef", "test-00000-of-00001"],
            "-00000-of-00001 to -00000-of-00001",
        ),
        (["test", "test-00000-of-00001"], "-00000-of-00001 to -00000-of-00001"),
        (["test-0"], "-00000-of-00001 to -00000-of-00001"),
    ],
    ids=["part", "copy", "two sets", "two revisions", "whole and part", "of unknown"],
)
def test_a_split_that_is_not_whole_or_there_twice_is_refused(names, range_of_parts, tmp_path):
    for name in names:
        write_split(tmp_path, name)
    assert complaint(tmp_path) == (
        f"HERE: en/test: expected one file, or all parts of one split ({range_of_parts}) in one "
        f"form (parquet, csv, tsv, jsonl), found "
        + ", ".join(sorted(f"{name}.parquet" for name in names))
    )


def test_two_forms_of_a_split_are_refused(tmp_path):
    write_split(tmp_path, "test")
    (tmp_path / "en/test.csv").write_text("premise,hypothesis,label\na,b,0\n")
    assert complaint(tmp_path).endswith("found test.csv, test.parquet")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "a,b,c,1\n",
            ", line 2: expected 3 values, found 4 (is a value with a separator in it in quotes?)",
        ),
        (
            "a,b,0\na,b\n",
            ", line 3: expected 3 values, found 2 (is a value with a separator in it in quotes?)",
        ),
        ('a,"b,0\n', ", line 2: expected separated values, found unexpected end of data"),
        ("a,\xff,0\n", ": expected text in UTF-8, found a damaged one"),
    ],
    ids=["too many", "too few", "open quote", "bytes"],
)
def test_a_row_of_csv_that_is_malformed_is_named(text, found, tmp_path):
    (tmp_path / "en").mkdir()
    whole = ("premise,hypothesis,label\n" + text).encode("latin-1")
    (tmp_path / "en/test.csv").write_bytes(whole)
    assert complaint(tmp_path) == f"HERE/en/test.csv{found}"


@pytest.mark.parametrize("label", [-1, None])
def test_pairs_without_a_label_are_read_as_such(label, tmp_path):
    write_split(tmp_path, label=[0, label])
    assert list(read(tmp_path).label) == [0, -1]


def complaint(folder, split="test"):
    return refusal(read, folder, split=split).replace(str(folder), "HERE")


def test_a_missing_folder_is_named(tmp_path):
    assert complaint(tmp_path / "no") == (
        "params.yaml: datasets.xnli.path: expected a Hub id (owner/name) or a folder in the Hub's "
        "layout, found no folder HERE"
    )


def test_the_splits_of_a_folder_are_listed_if_one_is_missing(tmp_path):
    assert complaint(tmp_path) == (
        "params.yaml: datasets.xnli: expected files en/test in HERE (parquet, csv, tsv, jsonl), "
        "found no such files"
    )
    toys.hub(tmp_path)
    assert complaint(tmp_path / "xnli", "dev") == (
        "params.yaml: datasets.xnli: expected files en/dev in HERE (parquet, csv, tsv, jsonl), "
        "found de/test, de/validation, en/test, en/train, en/validation, sw/test, sw/validation, "
        "zh/test, ..."
    )


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "en").mkdir()
    (tmp_path / "en/test-00000-of-00001.parquet").write_text("premise\thypothesis\n")
    assert complaint(tmp_path).startswith(
        "HERE: en/test: expected a readable file, found ArrowInvalid: Parquet "
        "magic bytes not found in footer."
    )


def test_files_of_different_columns_are_refused(tmp_path):
    for part, column in enumerate(("premise", "sentence")):
        path = tmp_path / "en" / f"test-0000{part}-of-00002.parquet"
        toys.write_parquet(pd.DataFrame({column: ["a"]}), path)
    assert complaint(tmp_path) == (
        "HERE: en/test: expected readable files of the same columns, found CastError: because "
        "column names don't match"
    )
