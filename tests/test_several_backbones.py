"""Two backbones in one params.yaml, stage by stage, as `mpt` runs them by hand."""

import json
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.backbone.files import BACKBONES, TOKENS
from pipeline.inputs.fingerprints import INPUTS
from pipeline.params.strict import parse
from pipeline.params.whole import Params, load_params
from pipeline.preflight import preflight
from tests import families, toys
from tests.commands import call, only_line, refusal
from tests.imports import ROOT

CELL = ("--shots", "1", "--seed", "1")
SHORT = {"training__epochs": 1, "training__epoch": 2, "training__selection": "last"}
BASE, SECOND = {"path": "hub/backbone"}, {"path": "second"}
FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def use(backbones, **changes):
    """Write params.yaml with these backbones and short runs, mpt and mpt_second among them."""
    second = {"methods__mpt_second": {"method": "mpt", "backbone": "second"}}
    runs = {"grid__runs": ["mpt", "mpt_second"]} if "second" in backbones else {}
    values = toys.params(**SHORT | (second | runs if runs else {}) | changes)
    del values["backbone"]
    toys.write_params(values | {"backbones": backbones}, Path("params.yaml"))


def passes(monkeypatch, *commands):
    for command in commands:
        assert call(monkeypatch, *command.split()) == 0, command


def listed(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def several(prepared, monkeypatch):
    """A prepared project with a second backbone, a BERT."""
    families.write("bert", prepared / "second")
    use({"base": BASE, "second": SECOND})
    passes(monkeypatch, "inputs", "check", "backbone", "tokens", "declared")
    return prepared


def test_each_backbone_has_a_folder_a_source_and_tokens(several):
    for name in ("base", "second"):
        assert {path.name for path in (BACKBONES / name).iterdir()} == FILES
    assert {path.name for path in BACKBONES.glob("*.json")} == {"base.json", "second.json"}
    assert listed(TOKENS) == {"base.parquet", "second.parquet"}
    sources = {name: json.loads((BACKBONES / f"{name}.json").read_text())["path"]
               for name in ("base", "second")}  # fmt: skip
    assert sources == {"base": "hub/backbone", "second": "second"}
    base, second = (pd.read_parquet(TOKENS / f"{name}.parquet").ids for name in sources)
    assert base.map(list).tolist() != second.map(list).tolist()


def test_what_is_no_longer_named_is_removed(several, monkeypatch):
    before = (BACKBONES / "base/model.safetensors").read_bytes()
    use({"base": BASE})
    passes(monkeypatch, "backbone", "tokens")
    assert listed(BACKBONES) == {"base.json", *(f"base/{name}" for name in FILES)}
    assert listed(TOKENS) == {"base.parquet"}
    assert (BACKBONES / "base/model.safetensors").read_bytes() == before


def test_a_run_is_trained_and_exported_on_the_backbone_that_it_names(several, monkeypatch):
    passes(monkeypatch, *(f"train {run} {' '.join(CELL)}" for run in ("mpt", "mpt_second")))
    metrics = {run: json.loads(Path(f"data/runs/{run}/k1/s1/metrics.json").read_text())
               for run in ("mpt", "mpt_second")}  # fmt: skip
    assert "backbone" not in metrics["mpt"]["settings"]
    assert metrics["mpt_second"]["settings"]["backbone"] == "second"
    passes(monkeypatch, f"export mpt_second {' '.join(CELL)} --to out")
    assert json.loads(Path("out/config.json").read_text())["model_type"] == "bert"
    assert "from `second`" in Path("out/README.md").read_text(encoding="utf-8")


def test_the_keys_of_one_and_of_several_give_the_same_inputs_and_cells(prepared, monkeypatch):
    written = []
    for values in ({"backbone": BASE}, {"backbones": {"base": BASE}}):
        params = toys.params(**SHORT)
        del params["backbone"]
        toys.write_params(params | values, Path("params.yaml"))
        passes(monkeypatch, "inputs", "backbone", "declared", f"train mpt {' '.join(CELL)}")
        places = (INPUTS, BACKBONES, Path("data/declared"), Path("data/runs"))
        written.append({path: path.read_bytes() for place in places
                        for path in place.rglob("*") if path.is_file()})  # fmt: skip
    assert written[0] == written[1]


def test_only_the_part_of_a_run_on_it_changes_with_a_backbone(several, monkeypatch):
    def parts():
        passes(monkeypatch, "inputs", "backbone", "tokens", "declared")
        return {path.stem: path.read_bytes() for path in Path("data/declared").iterdir()}

    before = parts()
    families.write("bert", several / "second", initializer_range=0.1)
    after = parts()
    assert {run for run in before if before[run] != after[run]} == {"mpt_second"}
    use({"second": SECOND, "base": BASE}, methods__sp={"method": "sp", "backbone": "base"})
    reordered = parts()
    assert json.loads(reordered["mpt"])["backbone"] == "second"
    # Its settings now have the name, so its cells are other cells.
    assert json.loads(reordered["sp"])["is_first"] is False


def test_every_run_is_checked_on_its_own_backbone(several, monkeypatch, capsys):
    words = {"entailment": "yes", "neutral": "maybe", "contradiction": {"piece": "▁no"}}
    run = {"method": "mpt", "backbone": "second", "verbalizer": words}
    use({"base": BASE, "second": SECOND}, methods__mpt_second=run)
    assert refusal(preflight, load_params()).startswith(
        "params.yaml: methods.mpt_second.verbalizer.contradiction.piece: expected a piece of text"
    )
    use({"base": BASE, "second": SECOND}, methods__mpt_second=run | {"backbone": "base"})
    preflight(load_params())
    use({"base": BASE, "second": {"path": "../none"}})
    capsys.readouterr()
    assert call(monkeypatch, "check") == 2
    assert only_line(capsys.readouterr().err).startswith("params.yaml: backbones.second.path: ")


def test_a_cell_refuses_a_backbone_that_was_made_for_other_parameters(several, monkeypatch, capsys):
    use({"base": BASE, "second": SECOND | {"revision": "new"}})
    assert call(monkeypatch, "train", "mpt", *CELL) == 0
    capsys.readouterr()
    assert call(monkeypatch, "train", "mpt_second", *CELL) == 2
    assert only_line(capsys.readouterr().err) == (
        "data/backbones/second: expected backbones.second.revision new as in params.yaml, found "
        "one made with None (stage backbone)"
    )


def test_the_example_of_the_documents_is_what_pocket_takes():
    text = (ROOT / "docs/backbones.md").read_text(encoding="utf-8")
    section = text.partition("## Several in one table")[2]
    example = YAML(typ="safe").load(section.partition("```yaml\n")[2].partition("```")[0])
    values = YAML(typ="safe").load((ROOT / "profiles/pocket.yaml").read_text(encoding="utf-8"))
    methods, grid = values["methods"], values["grid"]
    assert example["grid"]["runs"][: len(grid["runs"])] == grid["runs"]
    del values["backbone"]
    params = parse(
        Params, values | example | {"methods": methods | example["methods"]}, place="example"
    )
    for run in example["methods"]:
        assert params.run(run).settings == params.run(run.removesuffix("_general")).settings
        assert params.run(run).backbone == "general"
