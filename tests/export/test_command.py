"""`mpt export`: a cell of a project, trained again, compared, and written with its card."""

import json
import re
import shutil

import pandas as pd
import pytest

from pipeline.artifacts import read_notes
from pipeline.errors import RunError
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.cells import read_cells
from pipeline.evaluation.intervals import intervals
from pipeline.files import atomic_folder
from pipeline.methods.mpt import Model
from pipeline.training.exported import Reading
from stages.export import export
from stages.train import train
from tests import toys
from tests.commands import call, only_line, refusal
from tests.export.models import alone

CELL = {"shots": 1, "seed": 1}


@pytest.fixture(scope="module")
def cells(tmp_path_factory, toy_inputs):
    """The toy project with a cell of mpt and one of ft, and both exported; not to be changed."""
    folder = tmp_path_factory.mktemp("cells") / "project"
    shutil.copytree(toy_inputs, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for run in ("mpt", "ft"):
            train(run, **CELL)
            export(run, **CELL)
    return folder


@pytest.fixture
def project(cells, tmp_path, monkeypatch):
    """A copy of it to work in."""
    monkeypatch.chdir(shutil.copytree(cells, tmp_path / "project", symlinks=True))
    return tmp_path / "project"


def card(project, run="mpt"):
    return (project / f"data/exported/{run}/k1/s1/README.md").read_text(encoding="utf-8")


def blocks(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_cell_is_trained_again_to_the_same_bytes(project, capsys):
    export("mpt", **CELL)
    said = capsys.readouterr()
    assert "data/runs/mpt/k1/s1/predictions.parquet: the same bytes again" in said.out
    assert said.err == ""
    folder = project / "data/exported/mpt/k1/s1"
    names = {"config.json", "model.safetensors", "nli.json", "README.md", "tokenizer.json"}
    assert {path.name for path in folder.iterdir()} == names | {"tokenizer_config.json"}
    assert [path.name for path in folder.parent.iterdir()] == ["s1"]


def test_an_export_has_the_same_bytes_every_time(project):
    folder = project / "data/exported/mpt/k1/s1"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    export("mpt", **CELL)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_predictions_that_differ_are_said_with_their_distance(project, capsys):
    path = project / "data/runs/sp/k1/s1/predictions.parquet"
    train("sp", **CELL)
    frame = pd.read_parquet(path)
    train("sp", shots=1, seed=2)
    shutil.copy(project / "data/runs/sp/k1/s2/predictions.parquet", path)
    other = pd.read_parquet(path)
    columns = [name for name in frame if name.startswith("p_")]
    apart = float((frame[columns] - other[columns]).abs().max().max())
    capsys.readouterr()
    export("sp", **CELL)
    labels = int((frame.predicted != other.predicted).sum())
    assert (
        f"warning: data/runs/sp/k1/s1/predictions.parquet: trained again, probabilities differ by "
        f"up to {apart:.2g}, and {labels} of 48 labels"
    ) in capsys.readouterr().err


def test_the_card_says_what_the_model_is_and_was_trained_on(project):
    text = card(project)
    split = "data/fewshot/k1.parquet"
    title = "MPT, the Multilingual Prompt Translator"
    for fact in (title, "`hub/backbone`", "seed 1", "CC BY-NC", "| seed | 1 |"):
        assert fact in text
    assert read_notes(project / split)["sha256"] in text
    assert re.search(r"torch \d", text)


def test_the_card_has_the_accuracies_and_intervals_of_the_tables(project):
    metrics = json.loads((project / "data/runs/mpt/k1/s1/metrics.json").read_text())
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) to ([\d.]+) \|$", card(project), re.M)
    assert {code: mean for code, mean, *_ in rows} == {
        code: f"{accuracy:.1f}" for code, accuracy in metrics["accuracy"].items()
    }
    cells = read_cells([("mpt", 1, 1)], ("en", *toys.TARGETS))
    table = intervals(cells, Bootstrap(cells)).set_index("language")
    expected = {code: (f"{row.low:.1f}", f"{row.high:.1f}") for code, row in table.iterrows()}
    assert {code: (low, high) for code, _, low, high in rows} == expected


@pytest.mark.parametrize("run", ["mpt", "ft"])
def test_the_cards_code_gives_the_predictions_of_the_cell(project, run):
    code, *zero_shot = blocks(card(project, run))
    predictions = pd.read_parquet(project / f"data/runs/{run}/k1/s1/predictions.parquet")
    test = pd.read_parquet(project / "data/corpora/test.parquet")
    rows = test[["premise", "hypothesis", "language"]].astype(str).to_numpy().tolist()
    printed = alone(
        project / f"data/exported/{run}/k1/s1",
        f"{code}\nrows = {rows!r}\nprint([list(probabilities(*row).values()) for row in rows])\n"
        + "".join(zero_shot).replace('"..."', '"ein Hund rennt"')
        + "\nprint(model.config.architectures[0])",
    )
    found, architecture = printed.splitlines()[-2:]
    columns = ["p_entailment", "p_neutral", "p_contradiction"]
    assert json.loads(found) == [
        pytest.approx(row, abs=1e-5) for row in predictions[columns].to_numpy().tolist()
    ]
    assert bool(zero_shot) == ("SequenceClassification" in architecture)


def test_an_earlier_export_is_replaced_and_nothing_else(project):
    export("mpt", **CELL, to=project / "data/exported/mpt/k1/s1", dtype="bfloat16")
    config = json.loads((project / "data/exported/mpt/k1/s1/config.json").read_text())
    assert config["dtype"] == "bfloat16"
    (project / "mine").mkdir()
    (project / "mine/letter.txt").write_text("dear")
    assert refusal(export, "mpt", **CELL, to=project / "mine").endswith(
        "mine: expected no such folder or an exported model, found another"
    )
    assert (project / "mine/letter.txt").is_file()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("pct", "--shots", "1", "--seed", "1"),
         "data/runs/pct/k1/s1/predictions.parquet: expected the predictions of the cell"),
        (("nosuch", "--shots", "1", "--seed", "1"), "params.yaml: methods: expected one of "),
        (("nosuch_matched", "--shots", "1", "--seed", "1"), "params.yaml: methods: expected one "),
        (("mpt", "--shots", "1", "--seed", "1", "--dtype", "float16"), "Invalid value"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_writes_nothing(project, monkeypatch, capsys, arguments, line):
    assert call(monkeypatch, "export", *arguments, "--to", "new") == 2
    assert only_line(capsys.readouterr().err).startswith(line)
    assert not (project / "new").exists()


def test_a_folder_that_cannot_be_finished_leaves_the_older_one(tmp_path):
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("old")
    with pytest.raises(RunError), atomic_folder(tmp_path / "out") as folder:
        (folder / "file").rename(folder / "none")
    assert (tmp_path / "out/file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_method_whose_export_says_something_else_is_refused(project, monkeypatch, capsys):
    monkeypatch.setattr(Model, "readings", lambda self: {
        code: Reading(self.template) for code in self.languages.all})  # fmt: skip
    assert call(monkeypatch, "export", "mpt", "--shots", "1", "--seed", "1", "--to", "new") == 1
    line = only_line(capsys.readouterr().err)
    assert line.startswith(
        "pipeline/methods/mpt.py: exported: expected what predicts as the method"
    )
    assert not (project / "new").exists()
