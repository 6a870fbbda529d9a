"""Every file that a command reads, damaged in every way: one line with its name, exit code 2."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RunError
from stages.inputs import inputs
from stages.updates import updates
from tests import test_variants
from tests.commands import call, only_line
from tests.conftest import copied
from tests.evaluation.project import PARAMS as FINISHED
from tests.evaluation.project import make

FIRST = "a stage that has read its files goes no further here"


def missing(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def folder(path):
    path.unlink()
    path.mkdir()


def unreadable(path):
    """As for root no file is: the system refuses to open it."""
    path.unlink()
    path.symlink_to(path.name)


def bytes_of_no_text(path):
    path.write_bytes(b"\xff\xfe\x00" * 99)


def zeros(path):
    """As a file system may leave a file after a loss of power."""
    path.write_bytes(bytes(path.stat().st_size))


def half_of_zeros(path):
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes(len(content) - half))


def page(path):
    """What a proxy answers in place of a file."""
    path.write_text("<!DOCTYPE html>\n<title>Log in</title>\n" + "<p>Please log in.</p>\n" * 40)


def doubled(path):
    path.write_bytes(path.read_bytes() * 2)


def flipped(path):
    """One bit of a value."""
    content = bytearray(path.read_bytes())
    end = len(content)
    if path.suffix == ".parquet":  # whose page headers have bits that say nothing
        column = pq.read_metadata(path).row_group(0).column(0)
        end = column.data_page_offset + column.total_compressed_size
    content[end - 1] ^= 1
    path.write_bytes(bytes(content))


def other_table(path):
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), path)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_between_lines(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def other_json(path):
    path.write_text("[1, 2]")


def deep(path):
    path.write_text("[" * 200_000)


def broken_pages(path):
    content = path.read_bytes()
    end = len(content) - int.from_bytes(content[-8:-4], "little") - 8
    path.write_bytes(content[:4] + b"\x9b" * (end - 4) + content[end:])


def text_that_is_not_utf8(path):
    """A page of plain text, of which one character is broken."""
    rows = pq.read_table(path)
    pq.write_table(rows, path, use_dictionary=False, compression="none", write_statistics=False)
    content = bytearray(path.read_bytes())
    word = next(
        value.encode()
        for column in rows.columns
        if "string" in str(column.type)
        for value in column.to_pylist()[:1]
    )
    at = content.index(word)
    content[at] = 0xFF
    path.write_bytes(bytes(content))


DAMAGES = (
    missing, empty, folder, unreadable, bytes_of_no_text, zeros, half_of_zeros, page
)  # fmt: skip
OF = {
    ".json": (cut, doubled, other_json, deep),
    ".parquet": (cut, flipped, broken_pages, text_that_is_not_utf8, other_table),
    ".csv": (cut, doubled, cut_between_lines),
    ".safetensors": (cut, doubled, flipped),
    ".yaml": (doubled, deep),
}
"""Further damages by kind of file, so that each file gets ten or more."""


def variant(run):
    return ("train", run, "--shots", "1", "--seed", "1")


CELL = variant("mpt")
BACKBONE = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
READ = [
    *((CELL, f"data/backbones/base/{name}") for name in BACKBONE),
    (CELL, "data/backbones/base.json"),
    (CELL, "data/corpora/test.parquet"),
    (CELL, "data/fewshot/k1.parquet"),
    (CELL, "data/paws15/pairs.parquet"),
    (CELL, "data/tokens/base.parquet"),
    (CELL, "params.yaml"),
    (("tokens",), "data/corpora/test.parquet"),
    *((("fewshot",), f"data/corpora/{name}.parquet") for name in ("train", "dev", "test")),
    (("paws15",), "data/corpora/pairs_en.parquet"),
    (("check",), "params.yaml"),
    (("declared",), "data/inputs/declared.json"),
    (("corpora",), "hub/xnli/en/train-00000-of-00001.parquet"),
    (("backbone",), "hub/backbone/config.json"),
    (variant("no_external_data"), "data/translated/k1.parquet"),
    (variant("unlabelled_xnli"), "data/unlabelled/pairs.parquet"),
    (variant("pairs_14"), "data/paws15/extended.parquet"),
    ((*variant("sp"), "--matched"), "data/updates/k1.json"),
    (("updates", "--shots", "1"), "data/fewshot/k1.parquet"),
]
CELL_FILE = "data/runs/mpt/k16/s1"
PUBLISHED = "data/paper/published.csv"
SHOWN = (
    *("table1", "table1_std", "table2", "intervals", "differences", "significance", "sweeps"),
    *("confusion", "paper_gap"),
)
LATER = [
    (("tables",), f"{CELL_FILE}/predictions.parquet"),
    (("tables",), f"{CELL_FILE}/metrics.json"),
    (("tables",), "data/paper/table1.csv"),
    (("tables",), "data/paper/table2.csv"),
    (("tables",), PUBLISHED),
    *((("report",), f"results/{name}.csv") for name in SHOWN),
    (("report",), "data/paws15/manifest.json"),
    (("report",), "results/sha256.json"),
    (("tables",), "data/corpora/test.parquet"),
    (("report",), "data/paper/table1.csv"),
]


def refused_by_name(command, name, damages, monkeypatch, capsys):
    """Check that a command names a file after each damage, and mend the file again."""
    path, kept = Path(name), Path("kept")
    shutil.move(path, kept)
    for damage in damages:
        shutil.copy(kept, path)
        damage(path)
        code = call(monkeypatch, *command)
        line = only_line(capsys.readouterr().err)
        assert FIRST not in line, damage
        assert code == 2, (damage, line)
        assert path.stem in line or path.parent.name in line, (damage, line)
        assert "found" in line, (damage, line)
        assert "(mpt --debug shows where)" not in line, (damage, line)
        if damage in {unreadable, folder}:
            assert "no such file" not in line, (damage, line)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.move(kept, path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, toy_inputs):
    """A project in which every stage before training has run, also for variants."""
    folder = test_variants.prepared(copied(toy_inputs, tmp_path_factory.mktemp("whole")))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        updates(shots=1)
        inputs()
    return folder


@pytest.fixture
def inputs_to_damage(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(whole, tmp_path / "copy"))  # a link becomes what it is


@pytest.mark.parametrize(("command", "name"), READ, ids=[f"{c[0]}-{n}" for c, n in READ])
@pytest.mark.usefixtures("inputs_to_damage")
def test_a_damaged_input_is_one_line(command, name, monkeypatch, capsys):
    def fit(*_, **__):
        raise RunError(FIRST)

    monkeypatch.setattr("pipeline.training.loop.fit", fit)
    refused_by_name(command, name, (*DAMAGES, *OF[Path(name).suffix]), monkeypatch, capsys)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from stages.tables import tables

    folder = tmp_path_factory.mktemp("finished") / "project"
    with pytest.MonkeyPatch.context() as patch:
        make(folder, FINISHED, patch)
        tables()
    return folder


@pytest.fixture
def results_to_damage(finished, tmp_path, monkeypatch):
    """A copy, in which data/paper is no link."""
    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "copy"))


@pytest.mark.usefixtures("results_to_damage")
@pytest.mark.parametrize(("command", "name"), LATER, ids=[f"{c[0]}-{n}" for c, n in LATER])
def test_a_damaged_result_is_one_line(command, name, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.report.figures.collection.figures", lambda *_: {})
    damages = {*DAMAGES, *OF[Path(name).suffix]}
    if name == PUBLISHED:  # people add rows, so their number says nothing
        damages.remove(cut_between_lines)
    refused_by_name(command, name, damages, monkeypatch, capsys)


@pytest.mark.usefixtures("results_to_damage")
@pytest.mark.parametrize(
    "values",
    [
        {"accuracy": {}},
        {"accuracy": {"avg": "high"}},
        {"most_predicted": {}},
        {"test": {"pairs": None}},
        {"settings": None},
    ],
    ids=str,
)
def test_metrics_that_lack_a_key_inside_are_one_line(values, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.report.figures.collection.figures", lambda *_: {})
    path = Path(CELL_FILE) / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    code = call(monkeypatch, "tables" if "settings" in values else "report")
    line = only_line(capsys.readouterr().err)
    assert (code, line.partition(":")[0]) == (2, str(path)), line


@pytest.mark.parametrize("damage", [*DAMAGES[1:], other_json, deep])
def test_damaged_circumstances_cost_neither_a_plan_nor_a_profile_nor_the_report(
    damage, tmp_path, monkeypatch
):
    from pipeline.cells.files import read_circumstances
    from pipeline.cluster.costs import past_cells

    monkeypatch.chdir(tmp_path)
    path = Path("data/circumstances/mpt/k16/s1.json")
    path.parent.mkdir(parents=True)
    whole = {"seconds": {"train": 1.5}}
    path.write_text(json.dumps(whole))
    assert past_cells() == [("mpt", "k16", whole)]
    damage(path)
    assert past_cells() == []
    assert read_circumstances(path) is None


def test_a_cell_is_kept_if_its_circumstances_cannot_be_written(prepared, monkeypatch, capsys):
    Path("data/circumstances").write_text("a file where a folder should be")
    assert call(monkeypatch, "train", "sp", "--shots", "1", "--seed", "3") == 0
    assert Path("data/runs/sp/k1/s3/metrics.json").is_file()
    said = capsys.readouterr().err
    assert "warning: data/circumstances/sp/k1/s3.json: cannot be written: " in said
