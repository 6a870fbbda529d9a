"""Datasets from a folder, and from a Hub on the loopback through the real client."""

import socket

import datasets
import pandas as pd
import pytest

from pipeline import artifacts
from pipeline.corpora.files import ENGLISH_PAIRS, EXAMPLES
from pipeline.corpora.sources import read_split
from pipeline.errors import InputError
from pipeline.params.text import Source
from tests import toys
from tests.commands import only_line, run
from tests.hub_server import Repository, serving
from tests.imports import ROOT

XNLI, PAWS_X = "facebook/xnli", "google-research-datasets/paws-x"
NEW, PINNED, OTHER = "a" * 40, "b" * 40, "c" * 40


def params(**changes):
    return toys.params(
        **{
            "datasets__xnli": {"path": XNLI, "revision": PINNED},
            "datasets__paws_x": {"path": PAWS_X, "revision": PINNED, "splits": ["validation"]},
            **changes,
        }
    )


@pytest.fixture
def hub(tmp_path):
    xnli, paws_x = toys.hub(tmp_path / "pinned")
    for other in ("README.md", "xnli.py", "fr/test-00000-of-00001.parquet", "en/train.csv"):
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
def corpora(tmp_path, hub):
    """Run `mpt corpora` against the Hub."""
    folder = tmp_path / "project"
    folder.mkdir()

    def command(environment=None, **changes):
        toys.write_params(params(**changes), folder / "params.yaml")
        hub.requests.clear()
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_OFFLINE": "0",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        return run(folder, "corpora", **settings | (environment or {}))

    command.folder = folder / "data" / "corpora"
    return command


def closed_port():
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{once.getsockname()[1]}"


def test_the_named_files_of_the_pinned_revision_are_downloaded_once(corpora, hub):
    ended = corpora()
    assert (ended.returncode, ended.stderr) == (0, "")
    splits = [(code, split) for code in ("en", *toys.TARGETS) for split in ("validation", "test")]
    assert hub.downloaded == sorted(
        f"{code}/{split}-00000-of-00001.parquet" for code, split in (*splits, ("en", "train"))
    )
    assert hub.revisions == {PINNED}
    test = artifacts.read_table(corpora.folder / "test.parquet", EXAMPLES)
    assert len(test) == 12 * 4  # 6 a language in the commit that is now main
    pool = artifacts.read_table(corpora.folder / "pairs_en.parquet", ENGLISH_PAIRS)
    assert len(pool) == 20

    first = {path.name: path.read_bytes() for path in corpora.folder.iterdir()}
    assert corpora().returncode == 0
    assert hub.downloaded == []
    assert {path.name: path.read_bytes() for path in corpora.folder.iterdir()} == first
    unreachable = corpora({"HF_ENDPOINT": closed_port()})
    assert (unreachable.returncode, unreachable.stderr) == (0, "")
    assert {path.name: path.read_bytes() for path in corpora.folder.iterdir()} == first


def test_without_a_revision_main_is_read(corpora, hub):
    assert corpora(datasets__xnli={"path": XNLI}).returncode == 0
    assert hub.revisions == {NEW, PINNED}
    assert len(artifacts.read_table(corpora.folder / "test.parquet", EXAMPLES)) == 6 * 4


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"datasets__xnli": {"path": XNLI, "revision": OTHER}},
            f"params.yaml: datasets.xnli.revision: expected a revision of {XNLI} on the Hub, "
            f"found {OTHER}, which it has not",
        ),
        (
            {"datasets__xnli": {"path": "facebook/xmli", "revision": PINNED}},
            "params.yaml: datasets.xnli.path: expected a folder, or a dataset on the Hub that is "
            "open to you, found neither at facebook/xmli",
        ),
        (
            {"datasets__paws_x": {"path": PAWS_X, "revision": PINNED, "splits": ["train"]}},
            f"params.yaml: datasets.paws_x: expected en/train-*.parquet in {PAWS_X}, found none",
        ),
    ],
    ids=["revision", "repository", "split"],
)
def test_what_the_hub_has_not_is_wrong_input_in_one_line(changes, line, corpora):
    ended = corpora(**changes)
    assert only_line(ended.stderr) == line
    assert ended.returncode == 2
    assert not corpora.folder.exists()


def test_a_hub_out_of_reach_is_a_failed_run_in_one_line(corpora, hub):
    ended = corpora({"HF_ENDPOINT": closed_port()})
    assert only_line(ended.stderr) == (
        f"datasets.xnli: expected {XNLI} on the Hugging Face Hub (there is no such folder), "
        f"found no connection: [Errno 111] Connection refused"
    )
    assert ended.returncode == 1
    ended = corpora({"HF_HUB_OFFLINE": "1"})
    assert only_line(ended.stderr).endswith("found the network switched off (HF_HUB_OFFLINE)")
    assert ended.returncode == 1
    hub.status = 503
    ended = corpora()
    assert only_line(ended.stderr).endswith("found an error of the Hub, status 503")
    assert ended.returncode == 1
    assert not corpora.folder.exists()


def test_a_folder_is_read_as_load_dataset_reads_it(tmp_path):
    folder = ROOT / "data" / "pocket" / "hub" / "xnli"
    for config, split in (("en", "train"), ("sw", "test")):
        ours = read_split(Source(path=str(folder)), config=config, split=split, key="datasets.xnli")
        rows = datasets.load_dataset(str(folder), config, split=split, cache_dir=str(tmp_path))
        assert ours.to_dict("list") == rows.to_dict()


def test_class_labels_are_mapped_by_name(tmp_path):
    names = ["contradiction", "entailment", "neutral"]
    rows = datasets.Dataset.from_dict(
        {"premise": list("abcd"), "label": [0, 1, 2, -1]},
        features=datasets.Features(
            {
                "premise": datasets.Value("string"),
                "label": datasets.ClassLabel(names=names),
            }
        ),
    )
    (tmp_path / "en").mkdir()
    rows.to_parquet(tmp_path / "en" / "test-00000-of-00001.parquet")
    frame = read_split(Source(path=str(tmp_path)), config="en", split="test", key="datasets.xnli")
    assert list(frame.label) == [2, 0, 1, -1]


def test_the_files_of_a_split_are_read_in_their_order_and_others_not(tmp_path):
    for name, premise in (
        ("train-00001-of-00002", "second"),
        ("train-00000-of-00002", "first"),
        ("train-translations", "no split"),
        ("training-00000-of-00001", "another"),
    ):
        toys.write_parquet(pd.DataFrame({"premise": [premise]}), tmp_path / f"en/{name}.parquet")
    frame = read_split(Source(path=str(tmp_path)), config="en", split="train", key="datasets.xnli")
    assert list(frame.premise) == ["first", "second"]


def complaint(folder, split="test"):
    with pytest.raises(InputError) as caught:
        read_split(Source(path=str(folder)), config="en", split=split, key="datasets.xnli")
    return str(caught.value)


def test_a_missing_folder_is_one_line(tmp_path):
    assert complaint(tmp_path / "no") == (
        f"params.yaml: datasets.xnli.path: expected a folder, found no {tmp_path}/no"
    )


def test_a_missing_split_is_one_line_with_those_that_are_there(tmp_path):
    assert complaint(tmp_path) == (
        f"params.yaml: datasets.xnli: expected en/test-*.parquet in {tmp_path}, "
        f"found no Parquet files"
    )
    toys.hub(tmp_path)
    assert complaint(tmp_path / "xnli", "dev") == (
        f"params.yaml: datasets.xnli: expected en/dev-*.parquet in {tmp_path}/xnli, "
        f"found de/test, de/validation, en/test, en/train, en/validation, sw/test, sw/validation, "
        f"zh/test, ..."
    )


def test_a_file_that_is_no_parquet_is_one_line(tmp_path):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "test-00000-of-00001.parquet").write_text("premise\thypothesis\n")
    assert complaint(tmp_path) == (
        f"{tmp_path}: en/test-00000-of-00001.parquet: expected a Parquet file, found something else"
    )


def test_files_of_different_columns_are_one_line(tmp_path):
    for part, column in enumerate(("premise", "sentence")):
        path = tmp_path / "en" / f"test-0000{part}-of-00002.parquet"
        toys.write_parquet(pd.DataFrame({column: ["a"]}), path)
    assert complaint(tmp_path) == (
        f"{tmp_path}: en/test: expected the same columns in each of the 2 files, found others"
    )
