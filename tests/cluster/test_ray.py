"""Real workers on a real Ray, and what is left after something was killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from pipeline.cluster.cells import State
from tests.cluster import toy
from tests.commands import environment, run
from tests.imports import ROOT

pytest.importorskip("ray", reason="mpt repro's extra")
from pipeline.cluster.pool import RayWorkers

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
ENTRIES = {"toy": "tests.cluster.program:main"}


@pytest.fixture(scope="module")
def workers():
    pool = RayWorkers(jobs=2, address=None, gpus_per_cell=None)
    with closing(pool), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # the program below is a test's
        yield pool


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "stages", "repro", "--jobs", "2", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(said: str, process: subprocess.Popen) -> set[str]:
    """Read lines until one says something; return the stages that were done by then."""
    done = set()
    for line in process.stdout:
        name, _, state = line.strip().partition(": ")
        if state.startswith("done"):
            done.add(name)
        if line.startswith(said):
            return done
    raise AssertionError(process.stderr.read())


def family(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    """Wait for workers and their commands to end; Ray's own agents may take their time."""
    ours = [one for one in processes if not agent(one)]
    until = time.monotonic() + 20
    while [one for one in ours if alive(one)] and time.monotonic() < until:
        time.sleep(0.1)
    left = [one for one in ours if alive(one)]
    for one in processes:
        if alive(one):
            one.kill()
    return not left


def agent(process: psutil.Process) -> bool:
    try:
        return "Agent" in process.name()
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


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


def test_a_failure_is_told_with_its_reason_and_ends_with_1(repository):
    (repository / "told/fail-2").touch()
    done = run(repository, "repro", "--jobs", "2", "--keep-going")
    assert done.returncode == 1
    assert "cell@2: failed (no luck with 2)" in done.stdout
    assert "all: skipped (needs cell@2)" in done.stdout
    assert done.stderr == "warning: cell@2: no luck with 2 (data/logs/cell@2.log)\n"


def program(repository: Path, cells) -> None:
    """Have the cells run in the workers' process."""
    text = toy.PIPELINE.replace("sh cell.sh ${item.n}", "toy out/${item.n}.txt")
    text = text.replace("      - out/${item.n}/a.txt\n      - out/${item.n}/b.txt\n", "")
    text = text.replace("    outs:\n  all:", "    outs: ['out/${item.n}.txt']\n  all:")
    text = text.replace("out/*/a.txt", "out/*.txt").replace("cell.sh]", f"{part(repository)}]")
    (repository / "dvc.yaml").write_text(text)
    (repository / part(repository)).write_text("TEXT = 'one'\n")
    toy.write_params(repository, cells)


def part(repository: Path) -> str:
    return f"part_{repository.parent.name}.py"


def test_every_cell_of_a_warm_worker_begins_as_in_a_new_process(repository, workers):
    program(repository, range(6))
    summary = toy.run(repository, workers, entries=ENTRIES)
    assert summary.good, summary.reasons
    found = {path.read_text() for path in (repository / "out").glob("*.txt")}
    (line,) = found
    assert line.startswith("('one', False, False, ")
    pids = (repository / "told/pids").read_text().split()
    assert len(set(pids)) <= 2
    assert (repository / "data/logs/cell@0.log").read_text() == f"out/0.txt {line}"


def test_code_that_changed_since_it_was_imported_is_imported_anew(repository, workers):
    program(repository, range(2))
    assert toy.run(repository, workers, entries=ENTRIES).good
    (repository / part(repository)).write_text("TEXT = 'three'\n")
    assert toy.run(repository, workers, entries=ENTRIES).good
    assert (repository / "out/1.txt").read_text().startswith("('three',")
    assert toy.status(repository) == {}


@pytest.mark.parametrize(
    ("word", "reason"),
    [("fail", "toy: no luck today"), ("raise", "MemoryError: no room for 3 GiB")],
)
def test_a_command_that_fails_in_a_worker_fails_alone(repository, workers, word, reason):
    program(repository, range(2))
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(text.replace("toy out/${item.n}.txt", f"toy x {word}"))
    summary = toy.run(repository, workers, entries=ENTRIES, keep_going=True)
    assert summary.reasons["cell@0"] == summary.reasons["cell@1"] == reason


def test_the_cell_of_a_killed_worker_runs_again_and_nothing_else(repository, twin, workers):
    other = twin()
    (repository / "cell.sh").write_text(
        "test -e told/kill-$1 && rm told/kill-$1 && echo $1 >> told/ran && kill -9 $PPID"
        " && while :; do :; done\n" + toy.CELL  # until it dies with its worker, a moment later
    )
    (repository / "told/kill-2").touch()
    summary = toy.run(repository, workers)
    assert summary.good, summary.reasons
    assert toy.ran(repository) == {"1": 1, "2": 2, "3": 1, "4": 1}
    assert toy.status(repository) == {}
    del other


@pytest.mark.parametrize("moment", ["cell@1: running", "cell@3: running", "cell@5: done", "all:"])
def test_after_a_killed_driver_no_finished_cell_runs_again(repository, moment):
    toy.write_params(repository, range(1, 7))
    (repository / "told/slow").write_text("0.5")
    process = start(repository)
    done = until(moment, process)
    time.sleep(0.1)
    children = family(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone(children)
    before = toy.ran(repository)
    again = run(repository, "repro", "--jobs", "2")
    assert again.returncode == 0, again.stdout + again.stderr
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
    assert gone(children)
    lock = (repository / "dvc.lock").read_text()
    assert "base:" in lock
    assert "cell@1:" in lock
    (repository / "told/slow").unlink()
    assert toy.run(repository).states["cell@1"] is State.UNCHANGED


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one CPU each on this machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
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
