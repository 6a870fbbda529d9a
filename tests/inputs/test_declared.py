"""The inputs that runs declare: the content of each, in a file of its run."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.files import sha256
from pipeline.inputs.declared import DECLARED, MADE, OTHERS, OUTSIDE
from pipeline.params.whole import load_params
from stages.declared import declared
from stages.inputs import inputs
from tests import toys
from tests.commands import refusal
from tests.imports import ROOT

STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PLACE = "params.yaml: methods.sp.inputs.text"
RUNS = set(toys.method_names())


def write_params(*, ft=None, sp=None):
    given = {"methods__ft__inputs": ft, "methods__sp__inputs": sp}
    changes = {key: value for key, value in given.items() if value is not None}
    values = toys.params(**{"grid__runs": ["ft", "sp", "pct"]} | changes)
    toys.write_params(values, Path("params.yaml"))


def parts():
    """Return the bytes for each run, after both stages have run."""
    inputs()
    declared()
    return {path.stem: path.read_bytes() for path in DECLARED.iterdir()}


def test_every_run_has_the_hashes_of_its_method_its_backbone_and_its_tokens(prepared):
    write_params()
    made = {run: json.loads(part) for run, part in parts().items()}
    assert set(made) == RUNS
    names = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    of_backbone = {f"data/backbones/base/{name}" for name in names} | {"data/tokens/base.parquet"}
    for run, part in made.items():
        assert (part["backbone"], part["is_first"], set(part["sha256"])) == (
            "base", True, of_backbone | {f"pipeline/methods/{run}.py"}
        )  # fmt: skip
        for name, digest in part["sha256"].items():
            assert digest == sha256((ROOT if name.startswith("pipeline") else prepared) / name)
    assert made["sp"]["inputs"] == {}


EDITS = {
    "edited": lambda folder: (folder / "words.txt").write_text("Hund dog"),
    "edited below": lambda folder: (folder / "more/words.txt").write_text("Hund dog"),
    "new": lambda folder: (folder / "new.txt").touch(),
    "renamed": lambda folder: (folder / "words.txt").rename(folder / "wörter.txt"),
    "lost": lambda folder: (folder / "more/words.txt").unlink(),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_a_folder_changes_only_the_files_of_the_runs_that_declare_it(prepared, edit):
    (prepared / "words/more").mkdir(parents=True)
    for path in ("words/words.txt", "words/more/words.txt"):
        (prepared / path).write_text("Hund hound")
    write_params(sp={"text": "words"}, ft={"text": "hub/backbone"})
    before = parts()
    assert set(before) == RUNS
    edit(prepared / "words")
    after = parts()
    assert {run for run in RUNS if before[run] != after[run]} == {"sp"}


@pytest.mark.parametrize("place", ["data/corpora/dev.parquet", "./data/../data/fewshot/k1.parquet"])
def test_an_edit_of_what_a_stage_makes_is_seen_after_that_stage(prepared, place):
    write_params(sp={"text": place, "other": "params.yaml"})
    before, outside = parts(), OUTSIDE.read_bytes()
    with Path(place).open("ab") as file:
        file.write(b"x")
    after = parts()
    assert {run for run in RUNS if before[run] != after[run]} == {"sp"}
    # So DVC runs `declared` again only because of its other dep.
    assert OUTSIDE.read_bytes() == outside


def test_a_part_names_files_and_their_hashes_but_not_the_place(prepared):
    (prepared / "a").mkdir()
    (prepared / "a/words.txt").write_text("Hund dog")
    write_params(sp={"text": "a/words.txt", "made": "data/paws15/pairs.parquet"})
    before = parts()
    part = json.loads(before["sp"])["inputs"]
    assert {name: list(files) for name, files in part.items()} == {
        "text": ["words.txt"],
        "made": ["pairs.parquet"],
    }
    assert all(
        re.fullmatch("[0-9a-f]{64}", sha) for files in part.values() for sha in files.values()
    )
    (prepared / "a").rename(prepared / "b")
    write_params(sp={"text": str(prepared / "b/words.txt"), "made": "data/paws15/pairs.parquet"})
    assert parts() == before


def test_the_file_of_a_run_that_is_gone_is_removed(prepared):
    write_params()
    parts()
    values = toys.params(grid__runs=["ft", "mpt"])
    del values["methods"]["untrained"]
    toys.write_params(values, Path("params.yaml"))
    assert set(parts()) == RUNS - {"untrained"}


@pytest.mark.parametrize(
    "path",
    [
        "data/runs/mpt/k1/s1", "results", "results/table1.csv", "data/corpora/test.parquet",
        "data/corpora", "data", ".", "..", "data/unlabelled/pairs.parquet", "params.yaml/../data",
    ],
)  # fmt: skip
def test_a_run_may_not_read_cells_test_text_or_folders_around_outs(path, prepared):
    for written in (path, str(prepared / path)):
        write_params(sp={"text": written})
        assert refusal(inputs) == (
            f"{PLACE}: expected a file or folder outside the outs of stages, or one in "
            f"{', '.join(MADE)}, found {written}"
        )


def test_a_missing_input_is_named_by_the_stage_that_reads_it(prepared):
    write_params(sp={"text": "none.txt"})
    assert refusal(inputs) == f"{PLACE}: expected a file or folder, found no none.txt"
    assert not OUTSIDE.exists()
    write_params(sp={"text": "data/fewshot/k9.parquet"})
    inputs()
    assert refusal(declared) == (
        f"{PLACE}: expected a file or folder, found no data/fewshot/k9.parquet"
    )
    assert not DECLARED.exists()
    OUTSIDE.unlink()
    assert refusal(declared) == (
        f"{OUTSIDE}: expected the output of stage inputs, found no such file"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["words.txt"], "methods.sp.inputs: expected keys and values, found ['words.txt']"),
        ({"text": 3}, "methods.sp.inputs.text: expected text, found 3"),
        ({"text": ""}, "methods.sp.inputs.text: expected some text, found ''"),
        ({"my-text": "a"}, "methods.sp.inputs: expected a name of small letters, digits and _ "
         "that starts with a letter, found 'my-text'"),
    ],
)  # fmt: skip
def test_inputs_are_paths_by_name(value, message, project):
    write_params(sp=value)
    assert refusal(load_params) == f"params.yaml: {message}"


def test_of_every_out_it_is_known_whether_a_run_may_declare_it():
    outs = [Path(out) for stage in STAGES.values() for out in stage["outs"]]
    known = {
        out: [place for place in (*MADE, *OTHERS) if out.is_relative_to(place)] for out in outs
    }
    assert {len(places) for places in known.values()} == {1}
    assert {place for places in known.values() for place in places} == {*MADE, *OTHERS}


def test_the_stage_depends_on_what_may_be_declared():
    deps = {dep for dep in STAGES["declared"]["deps"] if dep.startswith("data/")}
    assert deps == {*MADE, str(OUTSIDE), "data/tokens"}
