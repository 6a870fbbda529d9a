"""What DVC runs again after which edit, on the real dvc.yaml and toy data."""

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
from dvc.repo import Repo

from stages.report import report
from stages.tables import tables
from tests import toys
from tests.dvc.parameters import parameters
from tests.dvc.repositories import ended_run, made_repository, run
from tests.imports import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory, toy_backbone):
    """A repository in which everything has run once."""
    folder = made_repository(tmp_path_factory.mktemp("project"), toy_backbone)
    run("dvc", "repro", "-q", cwd=folder)
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "-q", "-m", "start", cwd=folder)
    return folder


SP = {"train@sp-1-1", "train@sp-1-2", "match@sp-1-1"}
VARIANTS = {"ablate@no_translator-1-1", "sweep@length_1-1-1", "sweep@pairs_12-1-1"}
MPT = {"train@mpt-1-1", "train@mpt-1-2"} | VARIANTS
PAWS15 = {"paws15", "paws15_extended"}
BACKBONE = {"check", "backbone", "tables"}
"""The tables name its source."""


def stale(folder: Path) -> set[str]:
    """Return the stages whose dependencies changed; `repro --dry` stops at a file yet to come."""
    with Repo(str(folder)) as repo:
        # Outside the current folder DVC puts the path before the name.
        status = {name.rpartition("dvc.yaml:")[2]: why for name, why in repo.status().items()}
    assert "always changed" in status["inputs"]
    if status["inputs"] == ["always changed"]:
        del status["inputs"]
    return set(status)


def ran(said: str) -> set[str]:
    """Return the stages that DVC ran, by what it said."""
    return set(re.findall("^Running stage '(.*)'", said, re.MULTILINE))


@pytest.fixture
def edited(finished, tmp_path):
    """A copy to edit."""
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, symlinks=True)
    return folder


def test_nothing_runs_twice(finished):
    assert ran(run("dvc", "repro", cwd=finished)) == {"inputs"}
    assert stale(finished) == set()
    assert run("git", "status", "--short", cwd=finished) == ""


def appended(path):
    with path.open("ab") as file:
        file.write(b" ")


def set_back(path):
    times = path.stat()
    appended(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    ("edit", "path", "expected"),
    [
        (appended, "data/pocket/hub/xnli/de/test-00000-of-00001.parquet", {"corpora"}),
        (set_back, "data/pocket/hub/paws-x/de/validation-00000-of-00001.parquet", PAWS15),
        (set_back, "data/pocket/backbone/config.json", BACKBONE),
        (Path.touch, "data/pocket/backbone/config.json", set()),
        (appended, "data/pocket/hub/xnli/README.md", set()),
    ],
    ids=["dataset", "pairs", "backbone", "touched", "another file"],
)
def test_an_edit_outside_the_repository_runs_what_reads_it(edited, edit, path, expected):
    edit(edited / path)
    assert ran(run("dvc", "repro", "inputs", cwd=edited)) == {"inputs"}
    assert stale(edited) == expected
    plan = json.loads(run("mpt", "plan", "--json", cwd=edited))["stages"]
    assert {name for name, stage in plan.items() if stage["prospect"] == "stale"} == expected
    assert plan["inputs"]["prospect"] == "always runs"


SHOTS_2 = {"train@sp-2-1", "train@sp-2-2", "train@mpt-2-1", "train@mpt-2-2"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grid__shots": [1, 2]}, {"fewshot", *SHOTS_2, "tables"}),
        ({"grid__seeds": [1]}, {"fewshot", "tables"}),
        ({"methods__sp__learning_rate": 1e-4}, SP),
        ({"methods__mpt__alpha": 0.4}, {"updates@1", "train@mpt-1-1", "train@mpt-1-2"}),
        ({"training__epochs": 3}, {"updates@1"} | SP | MPT),
        ({"grid__runs": ["sp", "mpt", "ft"]}, {"train@ft-1-1", "train@ft-1-2", "tables"}),
        ({"paws15__seed": 1}, {"unlabelled"} | PAWS15),
        (
            {"datasets__xnli": {"path": "data/pocket/hub/xnli", "rows": 9}},
            {"corpora", "translations@1", "unlabelled", "tables"},
        ),
        ({"matched__runs": []}, {"updates@1", "tables"}),
        ({"comparison__languages": ["de", "sw"]}, {"tables"}),
    ],
    ids=[
        "shots",
        "seeds",
        "one method's rate",
        "alpha",
        "training",
        "runs",
        "pairs",
        "test rows",
        "a block",
        "compared languages",
    ],
)
def test_an_edit_of_the_parameters_runs_what_it_changes(edited, changes, expected):
    toys.write_params(parameters(**changes), edited / "params.yaml")
    assert stale(edited) == expected | {"check", "report"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pipeline/prompting/losses.py", {"check", "tokens", "updates@1"} | SP | MPT),
        ("pipeline/evaluation/printing.py", {"tables", "report"}),
        ("pipeline/report/template/style.css", {"report"}),
        ("pipeline/report/figures/gain.py", {"report"}),
        ("pipeline/params/grid.py", {"inputs", "check", "corpora", "backbone", "fewshot",
                                     "translations@1", "unlabelled", "declared", "updates@1",
                                     "tables", "report"} | PAWS15),
        ("pipeline/translation/engines/dataset.py", {"unlabelled"} | PAWS15),
        ("pipeline/errors.py", set()),
        ("pipeline/progress.py", set()),
        ("stages/terminal.py", set()),
        ("stages/cli.py", set()),
    ],
)  # fmt: skip
def test_an_edit_of_the_code_runs_what_it_changes(edited, path, expected):
    with (edited / path).open("a", encoding="utf-8") as file:
        file.write("\n# An edit.\n")
    assert stale(edited) == expected


@pytest.mark.parametrize(
    ("method", "cells"), [("sp", SP), ("mpt", MPT | {"updates@1"}), ("pct", set())]
)
def test_an_edit_of_a_method_runs_only_its_cells(edited, method, cells):
    with (edited / f"pipeline/methods/{method}.py").open("a", encoding="utf-8") as file:
        file.write("\n# An edit.\n")
    assert stale(edited) == {"check", "declared"}  # which says whose cells
    assert ran(run("dvc", "repro", "declared", cwd=edited)) == {"inputs", "check", "declared"}
    assert stale(edited) == cells
    plan = json.loads(run("mpt", "plan", "--json", cwd=edited))["stages"]
    for name in cells:
        (reason,) = plan[name]["reasons"]
        assert reason.endswith(f".json is modified (sha256.pipeline/methods/{method}.py)")


def test_the_method_of_contributing_runs_only_its_own_cells(edited):
    code, entry = toys.contributed()
    (edited / "pipeline/methods/plain.py").write_text(code, encoding="utf-8")
    values = parameters(grid__runs=["sp", "mpt", "plain"], methods__plain=entry)
    toys.write_params(values, edited / "params.yaml")
    cells = {"train@plain-1-1", "train@plain-1-2"}
    assert stale(edited) == cells | {"check", "declared", "tables", "report"}
    said = run("dvc", "repro", "tables", cwd=edited)
    assert ran(said) == cells | {"inputs", "check", "declared", "tables"}
    assert "| plain" in (edited / "results/table1.md").read_text()


TEACHER = ROOT / "tests/methods/added/distilled.py"
READER = """
from pipeline.params.strict import Strictly
from pipeline.training.cloze import ClozeMethod


class Settings(Strictly):
    pass


class Model(ClozeMethod):
    def __init__(self, context, settings):
        super().__init__(context, ce_over="label_words", prompt_length=1)

    @classmethod
    def reads(cls, settings):
        return ("pool",)
"""
DECLARING = {
    "grid__runs": ["sp", "mpt", "distilled", "reader"],
    "matched__runs": ["sp", "distilled"],
    "methods__distilled": {"method": "distilled", "inputs": {"teacher": "teacher"}},
    "methods__reader": {"method": "reader", "inputs": {"pool": "data/corpora/train.parquet"}},
}
DISTILLED = {"train@distilled-1-1", "train@distilled-1-2", "match@distilled-1-1"}


@pytest.fixture(scope="module")
def declaring(finished, tmp_path_factory, toy_backbone):
    """A project in which two runs read inputs, one a file of the user and one of a stage."""
    folder = tmp_path_factory.mktemp("declaring") / "project"
    shutil.copytree(finished, folder, symlinks=True)
    shutil.copytree(toy_backbone, folder / "teacher")
    shutil.copy(TEACHER, folder / "pipeline/methods")
    (folder / "pipeline/methods/reader.py").write_text(READER, encoding="utf-8")
    toys.write_params(parameters(**DECLARING), folder / "params.yaml")
    run("dvc", "repro", "-q", cwd=folder)
    return folder


def plan_of(folder):
    """Return the stages that a run would run, apart from `inputs`, which always runs."""
    plan = json.loads(run("mpt", "plan", "--json", cwd=folder))["stages"]
    return {name for name, one in plan.items() if one["prospect"] != "unchanged"} - {"inputs"}


def test_a_changed_input_trains_exactly_the_cells_of_its_run(declaring, tmp_path):
    assert ran(run("dvc", "repro", cwd=declaring)) == {"inputs"}
    folder = tmp_path / "copy"
    shutil.copytree(declaring, folder, symlinks=True)
    toys.backbone(folder / "teacher", seed=1)
    assert plan_of(folder) == DISTILLED | {"declared", "tables", "report"}
    expected = DISTILLED | {"inputs", "declared", "tables"}
    assert ran(run("dvc", "repro", "tables", cwd=folder)) == expected


def test_a_changed_out_of_a_stage_trains_exactly_the_cells_of_the_run_that_declares_it(
    declaring, tmp_path
):
    folder = tmp_path / "copy"
    shutil.copytree(declaring, folder, symlinks=True)
    path = folder / "data/pocket/hub/xnli/en/train-00000-of-00001.parquet"
    pairs = pd.read_parquet(path)
    last, drawn = pairs.premise.iloc[-1], pd.read_parquet(folder / "data/fewshot/k1.parquet")
    assert last not in set(drawn.premise)  # so the splits stay as they are
    toys.write_parquet(pairs[:-1], path)
    said = ran(run("dvc", "repro", cwd=folder))
    assert "declared" in said
    assert {name for name in said if "@" in name} == {"train@reader-1-1", "train@reader-1-2"}


def test_a_missing_input_ends_a_run_before_anything_is_trained(declaring, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(declaring, folder, symlinks=True)
    shutil.rmtree(folder / "teacher")
    for command in ("mpt check", "mpt plan", "dvc repro"):
        ended = ended_run(*command.split(), cwd=folder)
        assert ended.returncode
        assert ended.stderr.splitlines()[0] == (
            "mpt: params.yaml: methods.distilled.inputs.teacher: expected a file or folder, found "
            "no teacher"
        )


def test_a_new_run_without_inputs_is_judged_as_before(edited):
    toys.write_params(parameters(grid__runs=["sp", "mpt", "ft"]), edited / "params.yaml")
    expected = {"train@ft-1-1", "train@ft-1-2", "check", "tables", "report"}
    assert plan_of(edited) == expected


def test_cells_wait_for_no_other_stages_because_runs_may_declare_inputs(finished):
    with Repo(str(finished)) as repo:
        graph = repo.index.graph
    for stage in graph:
        if "declared" not in {needed.name for needed in graph.successors(stage)}:
            continue
        # What a cell reads of its own backbone is in the file of its run too.
        others = {one for one in graph if one.name in {"backbone", "tokens"}}
        others |= set(graph.successors(stage)) - {one for one in graph if one.name == "declared"}
        waits = others.union(*(nx.descendants(graph, one) for one in others))
        (declared,) = (one for one in graph if one.name == "declared")
        assert nx.descendants(graph, declared) <= waits


def test_every_stage_waits_for_the_check(finished):
    with Repo(str(finished)) as repo:
        graph = repo.index.graph
    for stage in graph:
        if stage.name == "inputs":
            continue
        assert "check" in {above.name for above in nx.descendants(graph, stage) | {stage}}


ALHPA = "methods.mpt.alhpa: expected no such key, found 0.5"
SHOTS_16 = "grid.shots: expected a list, found 16"


@pytest.mark.parametrize(
    ("command", "changes", "message"),
    [
        ("mpt plan", {"methods__mpt__alhpa": 0.5}, ALHPA),
        ("mpt repro", {"methods__mpt__alhpa": 0.5}, ALHPA),
        ("dvc repro", {"methods__mpt__alhpa": 0.5}, ALHPA),
        ("mpt plan", {"grid__shots": 16}, SHOTS_16),
        ("mpt repro", {"grid__shots": 16}, SHOTS_16),
    ],
)
def test_a_mistake_ends_a_run_before_anything_is_trained(command, changes, message, edited):
    toys.write_params(parameters(**changes), edited / "params.yaml")
    before = {path: path.stat().st_mtime_ns for path in (edited / "data").glob("*/*/**/*")}
    ended = ended_run(*command.split(), cwd=edited)
    line = ended.stderr.splitlines()[0]
    assert (ended.returncode, line) == (
        255 if command == "dvc repro" else 2,
        f"mpt: params.yaml: {message}",
    )
    assert before == {path: path.stat().st_mtime_ns for path in before if path.exists()}


def test_a_plan_after_an_edit_knows_what_the_check_will_find(edited):
    toys.write_params(parameters(methods__sp__learning_rate=1e-4), edited / "params.yaml")
    plan = json.loads(run("mpt", "plan", "--json", cwd=edited))
    running = {name for name, stage in plan["stages"].items() if stage["prospect"] != "unchanged"}
    assert running == {"inputs", "check", "tables", "report"} | SP


def test_the_lock_is_in_step_on_a_clone_without_the_cache(finished, tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(finished, clone)
    for made in (".dvc/cache", "data/inputs", "data/corpora", "data/backbones", "data/fewshot",
                 "data/paws15", "data/translated"):  # fmt: skip
        shutil.rmtree(clone / made)
    for made in ("data/declared", "data/tokens", "data/runs", "results"):
        shutil.rmtree(clone / made)
    run("dvc", "repro", "inputs", cwd=clone)
    assert ran(run("dvc", "repro", "--allow-missing", "--dry", cwd=clone)) == {"inputs"}
    assert run("git", "status", "--short", cwd=clone) == ""


def test_after_a_lock_from_another_machine_cells_are_restored_only_without_the_lock(edited):
    """Its cells have other bytes. DVC looks for these, not for what the run-cache has."""
    path, cell = edited / "dvc.lock", "train@mpt-1-1"
    before = path.read_text(encoding="utf-8")
    head, _, rest = before.partition(f"  {cell}:\n")
    other = re.sub(r"(    outs:\n.*?md5: )\w+", rf"\g<1>{'0' * 32}", rest, count=1, flags=re.DOTALL)
    path.write_text(f"{head}  {cell}:\n{other}", encoding="utf-8")
    assert f"Running stage '{cell}'" in run("dvc", "repro", "--dry", cell, cwd=edited)
    path.unlink()
    assert ran(run("dvc", "repro", cwd=edited)) == {"inputs"}
    assert path.read_text(encoding="utf-8") == before


def test_an_experiment_with_other_shots_trains_only_their_cells(edited):
    """README's `dvc exp run`: grid.shots is edited, the shots of the other blocks are not."""
    cell = edited / "data/runs/no_translator/k1/s1/predictions.parquet"
    before = cell.stat().st_mtime_ns
    changes = ["-S", "methods.mpt.alpha=0.3", "-S", "grid.shots=[2]", "-S", "grid.seeds=[2]"]
    said = run("dvc", "exp", "run", "-n", "fewer", *changes, cwd=edited)
    cells = {"train@sp-2-2", "train@mpt-2-2"}
    quick = {"inputs", "check", "declared", "updates@1"}  # `declared` may read the splits
    assert ran(said) == cells | quick | {"fewshot", "tables", "report"}
    assert cell.stat().st_mtime_ns == before
    lacks = "Not in Table II: 1 shot (mpt is not trained there)."
    assert lacks in (edited / "results/table2.md").read_text()
    assert lacks in (edited / "results/report.html").read_text()
    shown = json.loads(run("dvc", "metrics", "show", "--json", cwd=edited))[""]["data"]
    accuracy = shown["results/metrics.json"]["data"]["accuracy"]
    assert set(accuracy["k2"]) == {"sp", "mpt"}
    table = (edited / "results/table1.csv").read_text().splitlines()
    assert float(table[-1].rpartition(",")[2]) == accuracy["k2"]["mpt"]
    # What the experiment changed can be read back, by name.
    diff = json.loads(run("dvc", "params", "diff", "HEAD", "--json", cwd=edited))["params.yaml"]
    assert diff["methods.mpt.alpha"] == {"old": 0.5, "new": 0.3, "diff": -0.2}
    assert set(diff) == {"methods.mpt.alpha", "grid.shots", "grid.seeds"}
    assert "fewer" in run("dvc", "exp", "list", cwd=edited)
    assert run("dvc", "metrics", "diff", "HEAD", "--json", cwd=edited)


def test_a_queued_experiment_runs_the_code_that_it_was_queued_with(edited):
    run("dvc", "exp", "run", "--queue", "-n", "queued", "-S", "grid.seeds=[2]", cwd=edited)
    path = edited / "pipeline/evaluation/results.py"
    path.write_text("raise RuntimeError('edited after it was queued')\n", encoding="utf-8")
    run("dvc", "exp", "run", "--run-all", cwd=edited)
    assert "queued" in run("dvc", "exp", "list", cwd=edited)
    run("git", "checkout", "pipeline", cwd=edited)
    run("dvc", "exp", "run", "--temp", "-n", "temporary", "-S", "grid.seeds=[1]", cwd=edited)
    assert "temporary" in run("dvc", "exp", "list", cwd=edited)


@pytest.mark.parametrize(
    ("changes", "gaps"),
    [
        ({"grid__seeds": [2]}, "Not in Table II: no-translator at 1 shot (no_translator and"),
        ({"grid__runs": ["sp"]}, "Not in Figures 4 and 5: 1 shot (mpt is not trained there)."),
        ({"grid__runs": ["mpt"], "paws15__pairs": 4}, "Not in Table II: no-mpt at 1 shot (sp is"),
        ({"ablations": {"runs": [], "shots": [999], "seeds": []}}, ""),
    ],
    ids=["seeds", "runs", "runs and pairs", "an empty block"],
)
def test_a_smaller_grid_has_tables_and_a_report(edited, changes, gaps, monkeypatch, capsys):
    monkeypatch.chdir(edited)
    toys.write_params(parameters(**changes), Path("params.yaml"))
    tables()
    report()
    assert gaps in capsys.readouterr().err
    assert gaps in Path("results/report.html").read_text(encoding="utf-8")


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
    seeds = Counter(name.rpartition("-")[0] for name in stages if name.count("-") > 1)
    assert set(seeds.values()) == {5}
    assert len([cell for cell in seeds if cell.startswith("train@mpt-")]) == 9
    alphas = sorted(cell for cell in seeds if "alpha_" in cell)
    assert alphas == [f"sweep@alpha_0{n}-64" for n in (0, 1, 2, 3, 4, 6, 7, 8, 9)]
    matrices = Counter(name.partition("@")[0] for name in stages)
    # Table I and untrained; Table II at 4 and 64 shots, with two more readings of one row; Figures
    # 4 (25 + 15) and 5 (20 + 45 + 25); ft, sp and pct with the updates of mpt.
    expected = {"train": 180 + 45, "ablate": 30 + 20, "sweep": 130, "match": 135}
    assert {stage: matrices[stage] for stage in expected} == expected
    assert (matrices["fewshot"], matrices["translations"]) == (1, 2)


EDIT = """
import sys
from pathlib import Path
if "train" in sys.argv:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("batch_size: 4", "batch_size: 3"))
"""


@pytest.mark.parametrize("way", [("dvc", "repro"), ("mpt", "repro", "--jobs", "1")])
def test_an_edit_while_a_cell_trains_is_recorded_by_neither_way(edited, way):
    path = edited / "pipeline/methods/sp.py"
    path.write_text(path.read_text(encoding="utf-8") + EDIT, encoding="utf-8")
    before = (edited / "params.yaml").read_text(encoding="utf-8")
    done = ended_run(*way, "train@sp-1-1", cwd=edited)
    assert done.returncode != 0
    assert "params.yaml: training changed while it ran" in done.stdout + done.stderr
    assert not list((edited / "data/runs/sp/k1/s1").glob("*"))
    # Neither set of parameters has a result that could be restored.
    (edited / "params.yaml").write_text(before, encoding="utf-8")
    plan = json.loads(run("mpt", "plan", "--json", cwd=edited))["stages"]
    assert plan["train@sp-1-1"]["prospect"] == "stale"
