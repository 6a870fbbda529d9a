"""What DVC runs again after which edit, on the real dvc.yaml and toy data."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import toys
from tests.imports import ROOT

pytestmark = pytest.mark.slow
GRID = {"grid__runs": ["sp", "mpt"], "grid__shots": [1], "grid__seeds": [1]}


def run(*command: str, cwd: Path) -> str:
    return run_whole(*command, cwd=cwd).stdout


def run_whole(*command: str, cwd: Path) -> subprocess.CompletedProcess:
    bin_ = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(cwd),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory, toy_backbone):
    """A project in which everything has run once."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("pipeline", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("data/paper", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    toys.hub(folder / "data/pocket/hub")
    shutil.copytree(toy_backbone, folder / "data/pocket/backbone")
    toys.write_params(parameters(), folder / "params.yaml")
    run("git", "init", "-q", cwd=folder)
    for key, value in (("user.name", "Nobody"), ("user.email", "nobody@example.org")):
        run("git", "config", key, value, cwd=folder)
    run("dvc", "init", "-q", cwd=folder)
    run("dvc", "repro", "-q", cwd=folder)
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "-q", "-m", "start", cwd=folder)
    return folder


def parameters(**changes):
    return toys.params(
        datasets__xnli={"path": "data/pocket/hub/xnli"},
        datasets__paws_x={"path": "data/pocket/hub/paws-x", "splits": ["validation"]},
        backbone={"path": "data/pocket/backbone"},
        **(GRID | changes),
    )


def stale(folder: Path) -> set[str]:
    """Return the stages whose dependencies changed; `repro --dry` stops at a file yet to come."""
    return set(json.loads(run("dvc", "status", "--json", cwd=folder)))


@pytest.fixture
def edited(finished, tmp_path):
    """A copy to edit."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    return folder


def test_nothing_runs_twice(finished):
    assert "Data and pipelines are up to date." in run("dvc", "repro", cwd=finished)
    assert run("dvc", "status", cwd=finished).strip() == "Data and pipelines are up to date."


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"grid__shots": [1, 2]},
            {"fewshot", "train@sp-2-1", "train@mpt-2-1", "tables", "report"},
        ),
        ({"methods__sp__learning_rate": 1e-4}, {"train@sp-1-1", "report"}),
        ({"methods__mpt__alpha": 0.4}, {"train@mpt-1-1", "report"}),
        ({"training__epochs": 3}, {"train@sp-1-1", "train@mpt-1-1", "report"}),
        ({"grid__runs": ["sp", "mpt", "ft"]}, {"train@ft-1-1", "tables", "report"}),
        ({"paws15__seed": 1}, {"paws15", "paws15_extended", "report"}),
    ],
    ids=["shots", "one method's rate", "alpha", "training", "runs", "pairs"],
)
def test_an_edit_of_the_parameters_runs_what_it_changes(edited, changes, expected):
    toys.write_params(parameters(**changes), edited / "params.yaml")
    assert stale(edited) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pipeline/methods/sp.py", {"train@sp-1-1"}),
        ("pipeline/methods/mpt.py", {"train@mpt-1-1"}),
        ("pipeline/methods/pct.py", set()),
        ("pipeline/prompting/losses.py", {"train@sp-1-1", "train@mpt-1-1"}),
        ("pipeline/prompting/forms.py", {"tokens", "train@sp-1-1", "train@mpt-1-1"}),
        ("pipeline/evaluation/rendering.py", {"tables"}),
        ("pipeline/evaluation/report/template/style.css", {"report"}),
        ("pipeline/evaluation/figures/gain.py", {"report"}),
        ("pipeline/corpora/engines/dataset.py", {"paws15", "paws15_extended"}),
        ("stages/cli.py", set()),
    ],
)
def test_an_edit_of_the_code_runs_what_it_changes(edited, path, expected):
    with (edited / path).open("a", encoding="utf-8") as file:
        file.write("\n# An edit.\n")
    assert stale(edited) == expected


def test_new_shots_train_their_cells_and_leave_the_others(edited):
    cell = edited / "data/runs/mpt/k1/s1/predictions.parquet"
    before = cell.stat().st_mtime_ns
    toys.write_params(parameters(grid__shots=[1, 2]), edited / "params.yaml")
    run("dvc", "repro", "-q", cwd=edited)
    assert cell.stat().st_mtime_ns == before
    assert "\n2,mpt," in (edited / "results/table1.csv").read_text()


def test_the_lock_is_in_step_on_a_clone_without_the_cache(finished, tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(finished, clone)
    for made in (".dvc/cache", "data/corpora", "data/backbone", "data/fewshot", "data/paws15"):
        shutil.rmtree(clone / made)
    for made in ("data/tokens", "data/runs", "results"):
        shutil.rmtree(clone / made)
    said = run("dvc", "repro", "--allow-missing", "--dry", cwd=clone)
    assert "Running stage" not in said
    assert "Data and pipelines are up to date." in said


def test_an_experiment_changes_parameters_runs_what_they_change_and_shows_the_metrics(edited):
    said = run("dvc", "exp", "run", "-n", "fewer", "-S", "methods.mpt.alpha=0.25", cwd=edited)
    ran = {line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")}
    assert ran == {"train@mpt-1-1", "tables", "report"}
    found = json.loads(run("dvc", "metrics", "show", "--json", cwd=edited))
    (file,) = found[""]["data"]
    shown = found[""]["data"][file]["data"]
    assert file == "results/metrics.json"
    assert set(shown["accuracy"]["k1"]) == {"sp", "mpt"}
    table = (edited / "results/table1.csv").read_text().splitlines()
    assert float(table[-1].rpartition(",")[2]) == shown["accuracy"]["k1"]["mpt"]
    # What the experiment changed can be read back, by name.
    diff = json.loads(run("dvc", "params", "diff", "HEAD", "--json", cwd=edited))
    assert diff == {"params.yaml": {"methods.mpt.alpha": {"old": 0.5, "new": 0.25, "diff": -0.25}}}
    assert "fewer" in run("dvc", "exp", "list", cwd=edited)
    assert run("dvc", "metrics", "diff", "HEAD", "--json", cwd=edited)


VARIANTS = {
    "ablations": {"runs": ["no_translator"], "shots": [1], "seeds": [1]},
    "sweeps": {"runs": ["length_1", "pairs_6"], "shots": [1], "seeds": [1]},
    "methods__no_translator": {"method": "mpt", "translator": "none"},
    "methods__length_1": {"method": "mpt", "prompt_length": 1},
    "methods__pairs_6": {"method": "mpt", "external_pairs": 6},
    "comparison__table2": {"no-translator": "no_translator", "no-mpt": "sp"},
    "paws15__extended": 9,
}


@pytest.mark.parametrize(
    ("edits", "gaps"),
    [
        (
            ["methods.mpt.alpha=0.3", "grid.shots=[2,3]"],
            "warning: Not in Table II: 1 shot (mpt is not trained there). "
            "Not in Figures 4 and 5: 1 shot (mpt is not trained there).\n",
        ),
        (["grid.seeds=[2]"], "the p-values of no-translator at 1 shot (no_translator and mpt"),
        (["grid.runs=[sp]"], "warning: Not in Table II: 1 shot (mpt is not trained there)."),
        (["grid.runs=[mpt]", "paws15.pairs=4"], "Not in Table II: no-mpt at 1 shot (sp is not"),
        (["ablations.runs=[]", "ablations.shots=[999]", "sweeps.runs=[]"], ""),
    ],
    ids=["shots", "seeds", "runs", "runs and pairs", "empty blocks"],
)
def test_the_grid_may_be_edited_alone(edited, edits, gaps):
    toys.write_params(parameters(**VARIANTS), edited / "params.yaml")
    run("git", "commit", "-qam", "variants", cwd=edited)
    changes = [word for edit in edits for word in ("-S", edit)]
    run("dvc", "exp", "run", *changes, cwd=edited)
    said = run_whole("mpt", "tables", cwd=edited).stderr
    assert gaps in said if gaps else said == ""
    assert (edited / "results/report.html").is_file()


def test_plots_show_the_accuracies_and_the_gain_of_both_revisions(edited):
    table = edited / "results/curves.csv"
    table.chmod(0o644)
    table.write_text("shots,sp,mpt\n1,40.0,50.0\n", encoding="utf-8")
    found = json.loads(run("dvc", "plots", "diff", "HEAD", "--json", cwd=edited))["data"]
    curves, gains = found["Accuracy by shots"], found["Gain of mpt over sp by language (Figure 3)"]
    drawn = [row for plot in curves for row in plot["content"]["data"]["values"]]
    here = {row["field"]: row["dvc_inferred_y_value"] for row in drawn if row["rev"] == "workspace"}
    assert here == {"sp": "40.0", "mpt": "50.0"}
    assert {row["rev"] for row in drawn} == {"HEAD", "workspace"}
    languages = {row["language"] for plot in gains for row in plot["content"]["data"]["values"]}
    assert languages == {"en", *toys.TARGETS}
    assert "index.html" in run("dvc", "plots", "show", cwd=edited)


def test_the_paper_profile_is_exactly_the_papers_grid(edited):
    """`--force` since DVC 3.67 stops a dry run at the first file that is yet to be made."""
    shutil.copy(ROOT / "profiles/paper.yaml", edited / "params.yaml")
    said = run("dvc", "repro", "--dry", "--force", cwd=edited)
    stages = [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]
    assert len(stages) == len(set(stages))
    cells = [name.partition("@")[2].rpartition("-")[0] for name in stages if name.count("-") > 1]
    seeds = Counter(cells)
    assert set(seeds.values()) == {5}
    of = {name: [cell for cell in seeds if cell.startswith(name)] for name in ("mpt-", "alpha_")}
    assert len(of["mpt-"]) == 9
    assert sorted(of["alpha_"]) == [f"alpha_0{n}-64" for n in (0, 1, 2, 3, 4, 6, 7, 8, 9)]
    matrices = Counter(name.partition("@")[0] for name in stages)
    # Table I; Table II at 4 and 64 shots and sp_matched; Figures 4 (25 + 15) and 5 (20 + 45 + 25).
    assert (matrices["train"], matrices["ablate"], matrices["sweep"]) == (180, 30 + 10, 130)
    assert (matrices["fewshot"], matrices["translations"]) == (1, 2)
