"""`mpt repro` as a process: drivers, workers and nodes that are killed or stopped."""

import os
import random
import signal
import time
from collections import Counter

import pytest

from pipeline.cluster.states import State
from tests.cluster import toy
from tests.cluster.processes import (
    assert_gone,
    changes,
    descendants,
    name,
    running,
    start,
    wait,
)

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
    done = {stage for stage, state in changes(process) if state == "done"}
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
    toy.write_params(repository, range(1, 7))
    second = cluster.add_node(num_cpus=1, env_vars={"NODE": "second"})
    process = start(repository, "--address", cluster.address)
    try:
        wait(lambda: toy.ran(repository)["4"])
        cluster.remove_node(second, allow_graceful=False)
        said, complained = process.communicate(timeout=110)
    finally:
        process.kill()
    assert process.returncode == 0, said + complained
    assert complained == ""
    assert set((repository / "told/nodes").read_text().split()) == {"second"}
    assert set(toy.ran(repository)) == set("123456")
    assert toy.ran(repository).total() <= 7
    assert toy.status(repository) == {}


CELLS = 20
WORKERS = (2, 1, 2, 1)
"""Workers to kill before each kill of the driver. A cell that loses three in one run fails."""
SEED = int(os.environ.get("KILLS_SEED", "20"))


class Disturbed:
    """A run that is killed at random moments, and begun again after each kill of its driver."""

    def __init__(self, folder, chance, address):
        self.folder, self.chance, self.address = folder, chance, address
        self.changes: list[tuple[str, str]] = []
        self.ran_when_done: dict[str, int] = {}
        self.killed: Counter[str] = Counter()
        self.process = start(folder, "--address", address)

    def busy_workers(self):
        """Wait until some work, and then for a random time; return them."""
        begun = toy.ran(self.folder).total()
        wait(lambda: toy.ran(self.folder).total() > begun)
        time.sleep(self.chance.uniform(0, 0.2))
        return wait(lambda: [one for one in descendants() if name(one) == "ray::Worker.run"])

    def kill_worker(self) -> None:
        self.chance.choice(self.busy_workers()).kill()
        self.killed["worker"] += 1

    def kill_driver(self) -> None:
        """Kill the driver, and begin the next run while its workers may still run."""
        self.busy_workers()
        self.process.kill()
        self.end()
        self.killed["driver"] += 1
        self.process = start(self.folder, "--address", self.address)

    def end(self) -> int:
        """Wait for the end of the driver; return its exit code."""
        try:
            code = self.process.wait(timeout=100)
        finally:
            self.process.kill()
        self.changes += changes(self.process)
        ran = toy.ran(self.folder)
        for stage, state in self.changes:
            if state == "done" and "@" in stage:
                self.ran_when_done.setdefault(stage, ran[stage.removeprefix("cell@")])
        return code


def test_ten_kills_lose_no_finished_cell_and_change_nothing(repository, sequential, cluster):
    toy.write_params(repository, range(1, CELLS + 1))
    other = sequential()
    (repository / "told/slow").write_text("0.3")
    print(f"KILLS_SEED={SEED}")  # noqa: T201
    run = Disturbed(repository, random.Random(SEED), cluster.address)
    try:
        for count in WORKERS:
            for _ in range(count):
                run.kill_worker()
            run.kill_driver()
        assert run.end() == 0, run.process.stderr.read()
        assert run.process.stderr.read() == ""
    finally:
        run.process.kill()
    assert run.killed == {"driver": 4, "worker": 6}
    for cell, ran in run.ran_when_done.items():
        states = [state for stage, state in run.changes if stage == cell]
        assert "running" not in states[states.index("done") :], (cell, states)
        assert toy.ran(repository)[cell.removeprefix("cell@")] == ran
    assert len(toy.ran(repository)) == CELLS
    assert toy.ran(repository).total() <= CELLS + 4 * 2 + 6  # cells of a killed driver or worker
    assert (repository / "all.txt").read_bytes() == (other / "all.txt").read_bytes()
    assert toy.lock(repository) == toy.lock(other)
    assert toy.cache(other).items() <= toy.cache(repository).items()
    assert toy.status(repository) == {}
