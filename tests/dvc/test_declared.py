"""Each stage of dvc.yaml reads the files and parameters that it declares, and no others.

Whatever else it read could be edited without making it stale. What code it imports is held by
tests/test_architecture.py.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest
from dvc.repo import Repo

from pipeline.inputs.fingerprints import INPUTS, STAGES
from stages.guard import PARAMETERS, WHOLE
from tests import toys
from tests.commands import call
from tests.dvc.parameters import parameters
from tests.imports import ROOT

pytestmark = pytest.mark.slow

EDITS = {
    "paws15__seed": 1,
    "fewshot__split_seed": 1,
    "grid__runs": ["sp", "mpt", "ft"],
    "grid__shots": [1, 2],
    "grid__seeds": [1, 2, 3],
    "ablations__runs": ["no_translator", "length_1"],
    "ablations__shots": [1, 2],
    "ablations__seeds": [1, 7],
    "sweeps__runs": ["pairs_12"],
    "sweeps__shots": [1, 2],
    "sweeps__seeds": [1, 8],
    "matched__runs": ["sp", "ft"],
    "matched__shots": [1, 2],
    "matched__seeds": [1, 9],
    "comparison__baseline": "mpt",
    "comparison__languages": ["de", "sw"],
    "training__learning_rate": 0.5,
    "template__position": "prefix",
    "methods__sp__learning_rate": 0.5,
    "methods__mpt__alpha": 0.9,
    "methods__no_translator__alpha": 0.9,
    "methods__length_1__alpha": 0.9,
    "methods__pairs_12__alpha": 0.9,
}
"""Other values of keys, which alone or together are valid parameters."""

MADE_WITH = {
    "train": ("paws15", "fewshot"),
    "updates": ("paws15", "fewshot"),
    "tables": ("training", "template", "methods"),
}
"""Blocks with which a command's inputs were made, so that it may refuse them."""

BESIDE = {"data/backbone": "data/backbone_source.json", "data/runs": "data/circumstances"}
"""What makes nothing stale, by what it belongs to.

Where the backbone comes from, since another place may have the same weights, and how long a cell
took.
"""


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml; its parameters are None if it depends on params.yaml as a whole."""

    name: str
    command: list[str]
    files: list[str]
    parameters: list[str] | None
    outs: list[str]

    def declares(self, dotted: str) -> bool:
        """Whether an edit of this key makes the stage stale."""
        key = dotted.replace("__", ".")
        return self.parameters is None or any(
            f"{key}.".startswith(f"{one}.") for one in self.parameters
        )


def read_stages(folder: Path) -> Iterator[Stage]:
    """Yield the stages, each after those whose outs it needs."""
    with Repo(str(folder)) as repo:
        for stage in nx.dfs_postorder_nodes(repo.index.graph):
            files, keys = [], []
            for dep in stage.deps:
                if hasattr(dep, "params"):
                    keys += dep.params
                elif not str(dep.def_path).startswith(("pipeline", "stages")):
                    files += filter(None, [str(dep.def_path), BESIDE.get(str(dep.def_path))])
            outs = [str(out.def_path) for out in stage.outs]
            whole = "params.yaml" in files or stage.name == "inputs"
            yield Stage(
                stage.name or "", shlex.split(stage.cmd)[1:], files, None if whole else keys, outs
            )


def contents(folder: Path, paths: list[str]) -> dict[str, bytes]:
    """Return the files at and below the paths."""
    found = [file for path in paths for file in (folder / path, *(folder / path).rglob("*"))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found if file.is_file()}


def copy(paths: list[str], source: Path, folder: Path) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if (source / path).is_dir():
            shutil.copytree(source / path, folder / path, dirs_exist_ok=True)
        else:
            shutil.copy(source / path, folder / path)


@pytest.fixture(scope="module")
def project(tmp_path_factory, toy_backbone):
    """A project, beside its sources, in which every stage has run; and the stages."""
    folder = tmp_path_factory.mktemp("declared") / "project"
    toys.hub(folder.parent / "hub")
    shutil.copytree(toy_backbone, folder.parent / "hub/backbone")
    copy(["dvc.yaml", "data/paper", "profiles"], ROOT, folder)
    toys.write_params(here(), folder / "params.yaml")
    Repo.init(str(folder), no_scm=True).close()
    stages = list(read_stages(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in stages:
            assert call(patch, *stage.command) == 0, stage.name
    return folder, stages


def here(**changes: object) -> dict:
    sources = {
        "datasets__xnli__path": "../hub/xnli",
        "datasets__paws_x__path": "../hub/paws-x",
        "backbone__path": "../hub/backbone",
        "fewshot__per_seed": True,
    }
    return parameters(**(sources | changes))


def test_the_stages_are_there(project):
    _, stages = project
    kinds = {stage.name.partition("@")[0] for stage in stages}
    assert kinds >= {"inputs", "check", "train", "ablate", "sweep", "match", "tables", "report"}
    assert len(stages) == len({stage.name for stage in stages})


def alone(project, stage: Stage, folder: Path, values: dict, monkeypatch) -> int:
    """Run a stage in a folder with nothing but what it declares; return its exit code."""
    source, _ = project
    folder.mkdir(parents=True)
    copy([file for file in stage.files if file != "params.yaml"], source, folder)
    toys.write_params(values, folder / "params.yaml")
    monkeypatch.chdir(folder)
    return call(monkeypatch, *stage.command)


def test_a_stage_needs_no_other_file(project, monkeypatch):
    folder, stages = project
    for number, stage in enumerate(stages):
        sandbox = folder.parent / f"files-{number}"
        assert alone(project, stage, sandbox, here(), monkeypatch) == 0, stage.name
        found = contents(sandbox, stage.outs)
        assert found, stage.name
        assert found == contents(folder, stage.outs), stage.name


def test_an_edit_of_a_parameter_that_a_stage_does_not_declare_changes_nothing_or_is_refused(
    project, monkeypatch, capsys
):
    folder, stages = project
    kinds = set()
    for number, stage in enumerate(stages):
        edits = {key: value for key, value in EDITS.items() if not stage.declares(key)}
        kind = stage.name.partition("@")[0]
        if not edits or kind in kinds:
            continue
        kinds.add(kind)
        refused = {key for key in edits if key.startswith(MADE_WITH.get(stage.command[0], "-"))}
        for key in refused:
            sandbox = folder.parent / f"{key}-{number}"
            changed = here(**{key: edits.pop(key)})
            if alone(project, stage, sandbox, changed, monkeypatch):
                assert re.search("as in params.yaml, found", capsys.readouterr().err), stage.name
            else:
                assert contents(sandbox, stage.outs) == contents(folder, stage.outs), stage.name
        sandbox = folder.parent / f"parameters-{number}"
        assert alone(project, stage, sandbox, here(**edits), monkeypatch) == 0, stage.name
        assert contents(sandbox, stage.outs) == contents(folder, stage.outs), stage.name
    assert {"corpora", "fewshot", "paws15", "train", "updates", "tables"} <= kinds


def test_the_guard_knows_the_same_parameters(project):
    _, stages = project
    for stage in stages:
        command, *options = stage.command
        known = PARAMETERS.get(command, "")
        if stage.parameters is None:
            assert known == WHOLE, stage.name
        elif command in PARAMETERS:
            named = known.format(run=options[0] if command == "train" else "mpt").split()
            assert set(named) == set(stage.parameters), stage.name
        else:
            assert not stage.parameters, stage.name


def test_a_stage_with_sources_outside_the_repository_depends_on_their_hashes(project):
    _, stages = project
    with_sources = [stage for stage in stages if stage.command[0] in STAGES]
    assert {stage.command[0] for stage in with_sources} == set(STAGES)
    for stage in with_sources:
        assert f"{INPUTS}/{stage.command[0]}.json" in stage.files, stage.name
