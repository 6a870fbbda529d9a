"""Each stage of dvc.yaml reads the files and parameters that it declares, and no others.

Whatever else it read could be edited without making it stale. What code it imports is held by
tests/test_architecture.py.
"""

import re
from pathlib import Path

import pytest

from pipeline.inputs.fingerprints import INPUTS, STAGES
from tests import toys
from tests.commands import call
from tests.dvc.stages import Stage, behind, contents, copy, here

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


def test_the_stages_are_there(project):
    _, stages = project
    kinds = {stage.name.partition("@")[0] for stage in stages}
    assert kinds >= {"inputs", "check", "train", "ablate", "sweep", "match", "tables", "report"}
    assert len(stages) == len({stage.name for stage in stages})


def alone(project, stage: Stage, folder: Path, values: dict, monkeypatch) -> int:
    """Run a stage in a folder with nothing but what it declares; return its exit code."""
    source, _ = project
    folder.mkdir(parents=True)
    files = [file for file in stage.files if file != "params.yaml"]
    copy([*files, *behind(files, source)], source, folder)
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


def test_a_stage_with_sources_outside_the_repository_depends_on_their_hashes(project):
    _, stages = project
    with_sources = [stage for stage in stages if stage.command[0] in STAGES]
    assert {stage.command[0] for stage in with_sources} == set(STAGES)
    for stage in with_sources:
        assert f"{INPUTS}/{stage.command[0]}.json" in stage.files, stage.name
