"""Real workers on a real Ray, and what is left after something was killed."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.cluster.cells import State
from tests.cluster import toy
from tests.cluster.running import family, gone, running, start, until, wait, worker_of
from tests.commands import run

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_the_command_leaves_what_dvc_repro_leaves(repository, twin, monkeypatch):
    other = twin()
    with monkeypatch.context() as patch:
        patch.chdir(other)
        toy.dvc_repro(other)
    done = run(repository, "repro", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].startswith("7 done in ")
    toy.assert_alike(repository, other)
    assert (repository / "data/logs/cell@2.log").read_text() == "2\n"
    again = run(repository, "repro", "--jobs", "2")
    assert again.stdout.startswith("7 unchanged in ")


def test_every_cell_of_a_warm_worker_begins_as_in_a_new_process(repository, workers):
    toy.program(repository, range(6))
    summary = toy.run(repository, workers, entries=toy.ENTRIES)
    assert summary.good, summary.reasons
    found = {path.read_text() for path in (repository / "out").glob("*.txt")}
    (line,) = found
    assert line.startswith("('one', False, False, ")
    pids = (repository / "told/pids").read_text().split()
    assert len(set(pids)) <= 2
    assert (repository / "data/logs/cell@0.log").read_text() == f"out/0.txt {line}"


def test_code_that_changed_since_it_was_imported_is_imported_anew(repository, workers):
    toy.program(repository, range(1))
    assert toy.run(repository, workers, entries=toy.ENTRIES).good
    (repository / toy.part(repository)).write_text("TEXT = 'three'\n")
    assert toy.run(repository, workers, entries=toy.ENTRIES).good
    assert (repository / "out/0.txt").read_text().startswith("('three',")
    assert toy.status(repository) == {}


# Bash becomes a command that stands alone; other shells start it and wait.
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_cell_of_a_killed_worker_runs_again_and_nothing_else(
    repository, workers, monkeypatch, shell
):
    if not (path := shutil.which(shell)):
        pytest.skip(f"needs {shell}")
    monkeypatch.setenv("SHELL", path)
    endless = repository / "told/endless-2"
    endless.touch()
    (repository / "cell.sh").write_text(
        "if test -e told/endless-$1; then echo $1 >> told/ran; rm told/endless-$1\n"
        "while sleep 0.1; do :; done; fi\n" + toy.CELL
    )

    def kill():
        command = running(["sh", "cell.sh", "2"])
        wait(lambda: not endless.exists())
        worker_of(command).kill()
        return command

    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill)
        summary = toy.run(repository, workers)
    assert summary.good, summary.reasons
    assert gone([killed.result()])
    assert toy.ran(repository) == {"1": 1, "2": 2, "3": 1, "4": 1}
    assert toy.status(repository) == {}


def test_after_a_killed_driver_no_finished_cell_runs_again(repository):
    toy.write_params(repository, range(1, 7))
    (repository / "told/slow").write_text("0.5")
    process = start(repository)
    done = until("cell@5: done", process)
    children = family(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone(children)
    before = toy.ran(repository)
    again = toy.run(repository)
    assert again.good, again.reasons
    ran = toy.ran(repository) - before
    assert not {f"cell@{n}" for n in ran} & done
    assert set(toy.ran(repository)) == set("123456")
    assert max(toy.ran(repository).values()) <= 2
    assert toy.status(repository) == {}
    lock = (repository / "dvc.lock").read_bytes()
    (repository / "dvc.lock").unlink()
    toy.dvc_repro(repository)
    assert (repository / "dvc.lock").read_bytes() == lock


def test_ctrl_c_ends_it_and_keeps_what_was_done(repository):
    (repository / "told/slow").write_text("1")
    process = start(repository)
    until("cell@3: running", process)
    children = family(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert process.stderr.read() == "mpt: interrupted\n"
    assert gone(children)
    lock = (repository / "dvc.lock").read_text()
    assert "base:" in lock
    assert "cell@1:" in lock
    (repository / "told/slow").unlink()
    assert toy.run(repository).states["cell@1"] is State.UNCHANGED


HEAD = {
    "num_cpus": 1,
    # A node that is lost is noticed within two seconds, not thirty.
    "_system_config": {
        "health_check_initial_delay_ms": 500,
        "health_check_period_ms": 500,
        "health_check_timeout_ms": 2000,
        "health_check_failure_threshold": 3,
    },
}


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one CPU each on this machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Cluster(initialize_head=True, head_node_args=HEAD)
    try:
        yield nodes, nodes.add_node(num_cpus=1)
    finally:
        nodes.shutdown()


def test_two_nodes_share_a_folder_and_one_of_them_is_lost(repository, cluster):
    nodes, second = cluster
    (repository / "told/slow").write_text("1")
    (repository / "cell.sh").write_text("echo $RAY_NODE_ID >> told/nodes\n" + toy.CELL)
    toy.write_params(repository, range(1, 7))
    process = start(repository, "--address", nodes.address)
    until("cell@3: running", process)
    nodes.remove_node(second, allow_graceful=False)
    try:
        said, complained = process.communicate(timeout=110)
    finally:
        process.kill()
    assert process.returncode == 0, said + complained
    assert complained == ""
    assert set(toy.ran(repository)) == set("123456")
    assert toy.ran(repository).total() <= 7
    assert toy.status(repository) == {}


def test_a_cluster_that_does_not_answer_is_named(repository):
    done = run(repository, "repro", "--address", "127.0.0.1:1")
    assert done.returncode == 2
    assert "--address 127.0.0.1:1: expected a Ray cluster" in done.stderr
