"""`mpt repro` as a process: drivers, workers and nodes that are killed or stopped."""

import os
import random
import signal
import time

import pytest

from pipeline.cluster.states import State
from tests.cluster import toy
from tests.cluster.processes import assert_gone, changes, descendants, name, running, start, wait

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_after_a_killed_driver_no_finished_cell_runs_again(repository):
    toy.write_params(repository, range(1, 7))
    (repository / "told/slow").write_text("0.3")
    process = start(repository, "--jobs", "2")  # on a Ray of its own
    wait(lambda: toy.ran(repository)["6"])
    children = descendants(process.pid)
    process.kill()
    process.wait()
    assert_gone(children)
    done = {stage for stage, state in changes(process.stdout.read()) if state == "done"}
    assert "cell@4" in done
    before = toy.ran(repository)
    again = toy.run(repository)
    assert again.good, again.reasons
    assert not {f"cell@{n}" for n in toy.ran(repository) - before} & done
    assert set(toy.ran(repository)) == set("123456")
    assert max(toy.ran(repository).values()) <= 2
    assert toy.status(repository) == {}
    lock = toy.lock(repository)
    (repository / "dvc.lock").unlink()
    toy.dvc_repro(repository)
    assert toy.lock(repository) == lock


def test_ctrl_c_stops_the_run_and_keeps_what_was_done(repository, cluster):
    (repository / "told/slow").write_text("1")
    process = start(repository, "--address", cluster.address)
    command = running(["sh", "cell.sh", "3"])
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert process.stderr.read() == "mpt: interrupted\n"
    assert_gone([command])
    assert {b"base:", b"cell@1:"} <= set(toy.lock(repository).split())
    (repository / "told/slow").unlink()
    assert toy.run(repository).current["cell@1"] is State.UNCHANGED


def test_two_nodes_share_a_folder_and_one_of_them_is_lost(repository, cluster):
    (repository / "told/slow").write_text("0.7")
    (repository / "cell.sh").write_text("echo $NODE >> told/nodes\n" + toy.CELL)
    nodes = repository / "told/nodes"
    toy.write_params(repository, range(1, 7))
    second = cluster.add_node(num_cpus=1, env_vars={"NODE": "second"})
    process = start(repository, "--address", cluster.address)
    try:
        wait(lambda: nodes.exists() and "second" in nodes.read_text())
        cluster.remove_node(second, allow_graceful=False)
        said, complained = process.communicate(timeout=110)
    finally:
        process.kill()
    assert process.returncode == 0, said + complained
    assert complained == ""
    assert set(toy.ran(repository)) == set("123456")
    assert toy.ran(repository).total() <= 7
    assert toy.status(repository) == {}


CELLS = 20
SEED = int(os.environ.get("KILLS_SEED", "20"))


def test_ten_kills_lose_no_finished_cell_and_change_nothing(repository, sequential, cluster):
    toy.write_params(repository, range(1, CELLS + 1))
    other = sequential()
    (repository / "told/slow").write_text("0.3")
    print(f"KILLS_SEED={SEED}")  # noqa: T201
    chance = random.Random(SEED)
    command = (repository, "--address", cluster.address)
    printed = []

    def busy_workers():
        """Wait until some begin to work, and then for a random time; return them."""
        begun = toy.ran(repository).total()
        wait(lambda: toy.ran(repository).total() > begun)
        time.sleep(chance.uniform(0, 0.2))
        return wait(lambda: [one for one in descendants() if name(one) == "ray::Worker.run"])

    process = start(*command)
    try:
        for run in range(4):
            for _ in range(2 if run else 1):  # a cell that loses three workers in one run fails
                chance.choice(busy_workers()).kill()
            if run == 3:
                break
            busy_workers()
            process.kill()
            process.wait()
            printed += changes(process.stdout.read())
            process = start(*command)  # while its workers may still run
        said, complained = process.communicate(timeout=100)
    finally:
        process.kill()
    assert (process.returncode, complained) == (0, "")
    printed += changes(said)
    for stage in {stage for stage, state in printed if state == "done"}:
        states = [state for other, state in printed if other == stage]
        assert "running" not in states[states.index("done") :], (stage, states)
    assert len(toy.ran(repository)) == CELLS
    assert toy.ran(repository).total() <= CELLS + 3 * 2 + 7  # cells of a killed driver or worker
    assert (repository / "all.txt").read_bytes() == (other / "all.txt").read_bytes()
    assert toy.lock(repository) == toy.lock(other)
    assert toy.cache(other).items() <= toy.cache(repository).items()
    assert toy.status(repository) == {}


def test_ray_starts_in_unusual_surroundings(repository, tmp_path):
    """Sockets have short ASCII names, Ray keeps a token at home, and OpenMP allows a list."""
    (repository / "cell.sh").write_text('echo "$OMP_NUM_THREADS" >> told/threads\n' + toy.CELL)
    toy.write_params(repository, [1])
    temporary = tmp_path / ("zeitweiliges_für_viele_" * 3)
    temporary.mkdir()
    # Even root cannot write to /proc.
    surroundings = {"TMPDIR": str(temporary), "HOME": "/proc", "OMP_NUM_THREADS": "3,1"}
    process = start(repository, "--jobs", "1", **surroundings)
    said, complained = process.communicate()
    assert process.returncode == 0, said + complained
    assert (repository / "told/threads").read_text() == "3\n"
