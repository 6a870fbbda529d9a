"""Several backbones in one table: what DVC runs if one is added, edited or dropped."""

import json
import re
import shutil

import pandas as pd
import pytest

from tests import families, toys
from tests.dvc.parameters import parameters
from tests.dvc.repositories import made_repository, run

pytestmark = pytest.mark.slow

NONE: dict = {"runs": [], "shots": [], "seeds": []}
ONE = {"grid": {"runs": ["sp", "mpt"], "shots": [1], "seeds": [1]},
       "ablations": NONE, "sweeps": NONE, "matched": NONE, "comparison__table2": {}}  # fmt: skip
TWO = ONE | {
    "grid": {"runs": ["sp", "mpt", "mpt_second"], "shots": [1], "seeds": [1]},
    "methods__mpt_second": {"method": "mpt", "alpha": 0.5, "backbone": "second"},
}
CELL = "train@mpt_second-1-1"


def write(folder, changes, **backbones):
    """Write params.yaml with these backbones by name, or with the key of one."""
    values = parameters(**changes)
    if backbones:
        del values["backbone"]
        values["backbones"] = {name: {"path": path} for name, path in backbones.items()}
    toys.write_params(values, folder / "params.yaml")


def cells_of(folder, *command):
    """Run DVC, and return the cells that it trained."""
    said = run(*(command or ("dvc", "repro")), cwd=folder)
    return {name for name in re.findall("^Running stage '(.*)'", said, re.MULTILINE) if "@" in name}


def files(folder):
    """Return what the stages made that several backbones share."""
    places = [folder / name for name in ("data/backbones", "data/tokens", "data/runs", "results")]
    paths = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def one(tmp_path_factory, toy_backbone):
    """A repository with one backbone in which everything has run."""
    folder = made_repository(tmp_path_factory.mktemp("project"), toy_backbone)
    write(folder, ONE)
    run("dvc", "repro", "-q", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def two(one, tmp_path_factory):
    """The same with a second backbone, a BERT, and what DVC trained for it."""
    folder = tmp_path_factory.mktemp("two") / "project"
    shutil.copytree(one, folder, symlinks=True)
    families.write("bert", folder / "data/pocket/second")
    write(folder, TWO, base="data/pocket/backbone", second="data/pocket/second")
    return folder, cells_of(folder)


def test_a_further_backbone_trains_only_the_runs_on_it_and_stands_in_the_same_table(one, two):
    folder, trained = two
    assert trained == {CELL}
    before, after = files(one), files(folder)
    kept = {name for name in before if name.startswith("data/")}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    table = (folder / "results/table1.md").read_text(encoding="utf-8")
    assert list(pd.read_csv(folder / "results/table1.csv").method) == ["sp", "mpt", "mpt_second"]
    which = "`data/pocket/backbone` (mpt_second: second, `data/pocket/second`)"
    assert f"Accuracy in percent with the backbone {which} on the 12 test pairs" in table
    metrics = json.loads(after["data/runs/mpt_second/k1/s1/metrics.json"])
    assert metrics["settings"]["backbone"] == "second"
    page = (folder / "results/report.html").read_text(encoding="utf-8")
    assert "<dt>backbone second</dt><dd>data/pocket/second</dd>" in page


@pytest.fixture
def edited(two, tmp_path):
    """A copy to edit."""
    folder = tmp_path / "copy"
    shutil.copytree(two[0], folder, symlinks=True)
    return folder


def test_an_edit_of_a_backbone_trains_only_the_runs_on_it(edited):
    families.write("bert", edited / "data/pocket/second", seed=1)
    assert cells_of(edited, "dvc", "repro", "declared") == set()
    (reason,) = json.loads(run("mpt", "plan", "--json", cwd=edited))["stages"][CELL]["reasons"]
    assert reason == (
        "data/declared/mpt_second.json is modified (sha256.data/backbones/second/model.safetensors)"
    )
    assert cells_of(edited) == {CELL}


def test_a_backbone_that_is_dropped_leaves_nothing_and_no_cell_is_trained(one, edited):
    write(edited, ONE)
    assert cells_of(edited) == set()
    before, after = files(one), files(edited)
    shared = {name for name in before if not name.startswith(("data/runs", "results/report"))}
    stages = {name for name in after if name.startswith(("data/backbones", "data/tokens"))}
    assert stages == {name for name in shared if not name.startswith("results")}
    assert {name: after[name] for name in shared} == {name: before[name] for name in shared}


def test_an_edit_of_a_method_trains_its_runs_on_every_backbone(edited):
    with (edited / "pipeline/methods/mpt.py").open("a", encoding="utf-8") as file:
        file.write("\n# An edit.\n")
    assert cells_of(edited) == {"train@mpt-1-1", CELL}
