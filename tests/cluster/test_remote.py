"""Cells in clones of the repository, with a DVC remote between them and the driver."""

import os
import shutil
from contextlib import closing

import pytest

from pipeline.cluster.cells import State
from tests.cluster import toy
from tests.cluster.clones import NAMES, Clones, clones, commit, git, with_remote
from tests.commands import run as mpt
from tests.imports import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
CELLS = {f"cell@{n}" for n in range(1, 5)}


@pytest.fixture(scope="module")
def processes():
    pool = Clones()
    with closing(pool):
        yield pool


@pytest.fixture
def pool(repository, tmp_path, processes):
    """Two clones, none of them the driver's folder."""
    with_remote(repository, tmp_path / "storage")
    processes.folders = clones(repository, tmp_path)
    return processes


@pytest.fixture
def sequential(twin, monkeypatch):
    """What `dvc repro` makes of the repository as it is now."""

    def repro():
        folder = twin()
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            toy.dvc_repro(folder)
        return folder

    return repro


def ran(pool):
    return [toy.ran(folder) for folder in pool.folders]


def run(repository, pool, **options):
    return toy.run(repository, pool, remote="storage", **options)


def test_cells_run_in_the_clones_and_leave_what_dvc_repro_leaves(repository, pool, sequential):
    other = sequential()
    summary = run(repository, pool)
    assert summary.good, summary.reasons
    assert set(summary.states.values()) == {State.DONE}
    toy.assert_alike(repository, other)
    assert toy.ran(repository) == {}
    first, second = ran(pool)
    assert first
    assert second
    assert first + second == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert (repository / "data/logs/cell@2.log").read_text() == "2\n"
    assert set(run(repository, pool).states.values()) == {State.UNCHANGED}


def test_parameters_that_are_not_committed_travel(repository, pool, sequential):
    assert run(repository, pool).good
    toy.write_params(repository, [2, 5], scale=3)
    other = sequential()
    summary = run(repository, pool)
    assert summary.good, summary.reasons
    toy.assert_alike(repository, other)


def test_a_folder_that_a_stage_depends_on_is_made_the_drivers(repository, pool, sequential):
    assert run(repository, pool).good
    # As a cell of another branch would leave it.
    for folder in pool.folders:
        (folder / "out/9").mkdir()
        (folder / "out/9/a.txt").write_text("of another run\n")
        (folder / "base.txt").write_text("of another run\n")
    toy.write_params(repository, [1, 2], scale=2)
    other = sequential()
    summary = run(repository, pool)
    assert summary.good, summary.reasons
    toy.assert_alike(repository, other)


def test_what_the_remote_has_is_not_run_again(repository, pool, sequential):
    assert run(repository, pool).good
    for path in ("dvc.lock", "base.txt", "all.txt", "note.txt"):
        (repository / path).unlink()
    shutil.rmtree(repository / ".dvc/cache")
    other = sequential()
    summary = run(repository, pool)
    assert toy.by_state(summary) == {State.RESTORED: {"base", "all", "note"} | CELLS}
    toy.assert_alike(repository, other)


def test_a_clone_with_other_code_fails_its_cells(repository, pool):
    for folder in pool.folders[1:]:
        (folder / "cell.sh").write_text(toy.CELL + "echo more >> out/$1/a.txt\n")
        commit(folder)
    summary = run(repository, pool, keep_going=True)
    states = toy.by_state(summary)
    assert states[State.FAILED]
    assert states[State.FAILED] < CELLS
    assert states[State.SKIPPED] == {"all", "note"}
    for name in states[State.FAILED]:
        reason = summary.reasons[name]
        assert f":{pool.folders[1]}: expected the driver's files (commit " in reason
        assert "found other cell.sh (commit " in reason
    assert toy.ran(pool.folders[1]) == {}


def test_code_that_is_not_committed_is_named(repository, pool):
    with (repository / "cell.sh").open("a") as file:
        file.write("# An edit.\n")
    summary = run(repository, pool, targets=["cell@1"])
    assert "found other cell.sh" in summary.reasons["cell@1"]


def test_the_code_that_runs_is_the_clones(repository, pool):
    (repository / "cell.sh").write_text('echo "$PYTHONPATH"\n' + toy.CELL)
    commit(repository)
    for folder in pool.folders:
        git(folder, "pull", "-q")
    assert run(repository, pool, targets=["cell@1"]).good
    first, *_ = (repository / "data/logs/cell@1.log").read_text().split(os.pathsep)
    assert first in map(str, pool.folders)


def test_a_missing_clone_fails_its_cells(repository, pool, tmp_path):
    pool.folders = [tmp_path / "nowhere"]
    summary = run(repository, pool)
    expected = "expected a clone of the repository (MPT_CLONE says where), found none"
    assert summary.reasons["base"].endswith(f":{tmp_path}/nowhere: {expected}")


def test_a_clone_without_the_remote_fails_its_cells(repository, pool):
    for folder in pool.folders:
        (folder / ".dvc/config").write_text("")
    summary = run(repository, pool)
    assert "expected remote storage in .dvc/config, found none" in summary.reasons["base"]


def test_a_remote_that_fails_is_the_reason_of_the_cell_and_nothing_stays_held(
    repository, pool, tmp_path
):
    assert run(repository, pool, targets=["base"]).good
    shutil.rmtree(tmp_path / "storage")
    (tmp_path / "storage").write_text("no folder\n")
    summary = run(repository, pool, keep_going=True)
    assert toy.by_state(summary)[State.FAILED] == CELLS
    assert "storage" in summary.reasons["cell@1"]
    assert toy.run(repository).good


def test_a_cell_that_fails_sends_its_log(repository, pool):
    for folder in pool.folders:
        (folder / "told/fail-2").touch()
    summary = run(repository, pool, keep_going=True)
    assert toy.by_state(summary)[State.FAILED] == {"cell@2"}
    assert summary.reasons["cell@2"] == "no luck with 2"
    assert (repository / "data/logs/cell@2.log").read_text() == "no luck with 2\n"


def test_the_drivers_own_folder_serves_too(repository, pool, sequential):
    pool.folders = [repository, pool.folders[0]]
    other = sequential()
    summary = run(repository, pool)
    assert summary.good, summary.reasons
    first, second = ran(pool)
    assert first
    assert second
    assert first + second == {"1": 1, "2": 1, "3": 1, "4": 1}
    toy.assert_alike(repository, other)


def test_code_that_changes_in_a_clone_during_the_run_is_not_saved(repository, pool):
    for folder in pool.folders:
        (folder / "told/slow").touch()
    slow = 'sleep "$(cat told/slow)"'
    (repository / "cell.sh").write_text(toy.CELL.replace(slow, "echo >> cell.sh"))
    commit(repository)
    for folder in pool.folders:
        git(folder, "pull", "-q")
    summary = run(repository, pool, targets=["cell@1"])
    assert summary.reasons["cell@1"].endswith(": cell.sh changed while it ran: not saved")


def test_outs_that_dvc_does_not_keep_travel(repository, pool, sequential):
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(
        text.replace("outs: [all.txt]", "outs: [{all.txt: {cache: false}}]")
    )
    other = sequential()
    summary = run(repository, pool)
    assert summary.good, summary.reasons
    assert (repository / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert toy.status(repository) == {}


@pytest.fixture
def address(repository, tmp_path, monkeypatch):
    """Two nodes of one CPU each, with a clone each; none of them is in the driver's folder."""
    pytest.importorskip("ray", reason="mpt repro's extra")
    from ray.cluster_utils import Cluster

    with_remote(repository, tmp_path / "storage")
    first, second = ({"MPT_CLONE": str(one)} for one in clones(repository, tmp_path))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "env_vars": first})
    try:
        nodes.add_node(num_cpus=1, env_vars=second)
        yield nodes.address
    finally:
        nodes.shutdown()


def test_two_nodes_without_a_shared_folder(repository, tmp_path, address, sequential):
    other = sequential()
    command = ["repro", "--address", address, "--remote", "storage"]
    done = mpt(repository, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert toy.ran(repository) == {}
    first, second = (toy.ran(tmp_path / name) for name in NAMES)
    assert first
    assert second
    assert first + second == {"1": 1, "2": 1, "3": 1, "4": 1}
    toy.assert_alike(repository, other)
    assert (repository / "data/logs/cell@2.log").read_text() == "2\n"
    assert mpt(repository, *command).stdout.startswith("7 unchanged in ")
    (repository / "cell.sh").write_text("# An edit.\n" + toy.CELL)
    failed = mpt(repository, *command, "--keep-going")
    assert failed.returncode == 1
    assert "7 unchanged" not in failed.stdout
    assert failed.stderr.count("found other cell.sh (commit ") == 4
