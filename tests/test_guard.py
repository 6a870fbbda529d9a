"""An edit while a stage runs: its results are not those of what DVC would record them for."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.cli import STAGES
from stages.guard import PARAMETERS, WHOLE
from tests import toys
from tests.commands import call, only_line
from tests.imports import ROOT

CELL = ("train", "sp", "--shots", "1", "--seed", "3")
FOLDER = Path("data/runs/sp/k1/s3")


def replaced(path, old, new):
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def during(prepared, monkeypatch):
    """Runs a cell, and calls a function when it has read its files; returns the exit code."""

    def run(edit):
        import pipeline.training.loop as module

        fit = module.fit

        def edited(*arguments, **options):
            edit()
            return fit(*arguments, **options)

        monkeypatch.setattr(module, "fit", edited)
        return call(monkeypatch, *CELL)

    return run


def touched_json():
    Path("data/backbones/base.json").write_bytes(Path("data/backbones/base.json").read_bytes())
    with Path("data/backbones/base.json").open("a") as file:
        file.write(" ")


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (
            lambda: replaced("params.yaml", "size: 4", "size: 3"),
            "params.yaml: training",
        ),
        (lambda: replaced("params.yaml", "suffix", "prefix"), "params.yaml: template"),
        (lambda: Path("params.yaml").unlink(), "params.yaml"),
        (lambda: Path("params.yaml").write_text("a: ["), "params.yaml"),
        (touched_json, "data/backbones/base.json"),
        (lambda: Path("data/fewshot/k1.parquet").unlink(), "data/fewshot/k1.parquet"),
        (
            lambda: Path("data/backbones/base/model.safetensors").touch(),
            "data/backbones/base/model.safe",
        ),
    ],
)
def test_a_cell_whose_parameters_or_inputs_change_fails_and_leaves_nothing(
    edit, name, during, capsys
):
    assert during(edit) == 1
    line = only_line(capsys.readouterr().err.splitlines(keepends=True)[-1])
    assert line.startswith(name)
    assert line.endswith("changed while it ran: its results are removed, run it again")
    assert list(FOLDER.iterdir()) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda: replaced("params.yaml", "seeds:", "seeds:\n  - 99"),
        lambda: replaced("params.yaml", "method: sp", "method: sp  # A comment."),
        lambda: None,
    ],
    ids=["another seed", "a comment", "nothing"],
)
def test_an_edit_of_what_the_cell_does_not_read_is_allowed(edit, during):
    assert during(edit) == 0
    assert (FOLDER / "metrics.json").is_file()


def test_an_edit_that_is_taken_back_is_noticed_if_the_stage_has_read_it(
    prepared, monkeypatch, capsys
):
    from pipeline.params import runs

    read = runs.read_params
    before = Path("params.yaml").read_text(encoding="utf-8")

    def reads_twice(path):
        read(path)
        replaced("params.yaml", "size: 4", "size: 3")
        values = read(path)
        Path("params.yaml").write_text(before, encoding="utf-8")
        return values

    monkeypatch.setattr(runs, "read_params", reads_twice)
    assert call(monkeypatch, *CELL) == 1
    assert "params.yaml: training changed" in capsys.readouterr().err


@pytest.mark.parametrize("edited", [True, False])
def test_a_source_that_is_not_what_dvc_knows_of_it_is_noticed(edited, project, monkeypatch, capsys):
    assert call(monkeypatch, "inputs") == 0
    if edited:  # between the two stages
        shutil.copy(
            "hub/xnli/en/validation-00000-of-00001.parquet",
            "hub/xnli/en/train-00000-of-00001.parquet",
        )
        assert call(monkeypatch, "corpora") == 0  # by hand, nothing is recorded
    monkeypatch.setenv("DVC_STAGE", "corpora")
    assert call(monkeypatch, "corpora") == int(edited)
    said = capsys.readouterr().err
    assert ("a source of data/inputs/corpora.json changed while it ran" in said) == edited
    assert bool(list(Path("data/corpora").glob("*"))) != edited


METHOD = "pipeline/methods/sp.py"


def of_another_method(parts):
    parts["sha256"][METHOD] = "0" * 64


def of_another_backbone(parts):
    parts["backbone"] = "second"


def of_another_place_in_the_order(parts):
    parts["is_first"] = False


def of_other_tokens(parts):
    parts["sha256"]["data/tokens/base.parquet"] = "0" * 64


@pytest.mark.parametrize(
    "edit",
    [None, of_another_method, of_another_backbone, of_another_place_in_the_order, of_other_tokens],
)
def test_a_method_or_backbone_that_is_not_what_dvc_knows_of_it_is_noticed(
    edit, prepared, monkeypatch, capsys
):
    """An edit between stage `declared` and the cell, of which no dep of the cell says anything."""
    path = Path("data/declared/sp.json")
    for command in ("inputs", "declared"):
        assert call(monkeypatch, command) == 0
    parts = json.loads(path.read_bytes())
    if edit:
        edit(parts)
    path.write_text(json.dumps(parts))
    assert call(monkeypatch, *CELL) == 0  # by hand, nothing is recorded
    monkeypatch.setenv("DVC_STAGE", "train@sp-1-3")
    assert call(monkeypatch, *CELL) == int(bool(edit))
    said = capsys.readouterr().err
    assert (f"what {path} is about changed while it ran" in said) == bool(edit)
    assert (FOLDER / "metrics.json").exists() != bool(edit)


def test_other_backbones_than_dvc_knows_of_are_noticed_by_the_tables(prepared, monkeypatch, capsys):
    assert call(monkeypatch, "inputs") == 0
    (prepared / "data/paper").symlink_to(ROOT / "data/paper")
    comparison = {"reference": "sp", "baseline": "sp", "table2": {}}
    values = toys.params(grid__runs=["sp"], comparison=comparison)
    values["grid"] |= {"shots": [1], "seeds": [3]}
    toys.write_params(values, Path("params.yaml"))
    assert call(monkeypatch, *CELL) == 0
    monkeypatch.setenv("DVC_STAGE", "tables")
    assert call(monkeypatch, "tables") == 0
    replaced("params.yaml", "path: hub/backbone", "path: elsewhere")
    assert call(monkeypatch, "tables") == 1
    assert "a source of data/inputs/backbone.json changed while" in capsys.readouterr().err


def test_edited_code_is_noticed(project, monkeypatch, capsys):
    """The module is imported while the stage runs, and edited before its end."""
    from stages.guard import guarded

    module = project / "some_part.py"
    module.write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(project))

    def check():
        import some_part

        from pipeline.files import write_text

        write_text(str(some_part.VALUE), Path("data/out.txt"))
        if some_part.VALUE == 1:
            module.write_text("VALUE = 22\n")

    with pytest.raises(Exception, match=r"^some_part.py changed while it ran"):
        guarded(check)()
    assert not Path("data/out.txt").exists()
    del sys.modules["some_part"]
    guarded(check)()
    assert Path("data/out.txt").read_text() == "22"


def test_every_stage_is_guarded_by_the_parameters_that_dvc_records():
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    expected = {}
    for stage in stages.values():
        keys = [
            key.replace("${item.run}", "{run}").replace("${comparison.reference}", "{run}")
            for key in stage.get("params", ())
        ]
        name = stage["cmd"].split()[1]
        if keys:
            assert expected.setdefault(name, keys) == keys
        elif "params.yaml" in stage["deps"] or stage.get("always_changed"):
            expected[name] = WHOLE.split()
    assert {name: keys.split() for name, keys in PARAMETERS.items()} == expected
    assert expected.keys() < {stage.__name__ for stage in STAGES}
