"""A grid whose driver and workers are killed again and again."""

import os
import random
import time
from collections import Counter

import pytest

from tests.cluster import toy
from tests.cluster.processes import descendants, name, start, wait

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
CELLS = 16
WORKERS = (2, 1, 2, 1)
"""Workers to kill before each kill of the driver. A cell that loses three in one run fails."""
SEED = int(os.environ.get("KILLS_SEED", "20"))


class Disturbed:
    """A run that is killed at random moments, and begun again after each kill of its driver."""

    def __init__(self, folder, chance, *arguments):
        self.folder, self.chance, self.arguments = folder, chance, arguments
        self.told: list[tuple[str, str]] = []
        self.ran_when_done: dict[str, int] = {}
        self.killed: Counter[str] = Counter()
        self.process = start(folder, *arguments)

    def read(self) -> str:
        """Record the next line; return the state that it tells."""
        line = self.process.stdout.readline()
        assert line, f"over after {self.killed}: {self.process.stderr.read()}"
        return self.record(line)

    def record(self, line: str) -> str:
        stage, _, state = line.strip().partition(": ")
        self.told.append((stage, state.partition(" ")[0]))
        return self.told[-1][1]

    def kill_driver(self) -> None:
        """Kill the driver, and begin the next run while its workers may still run."""
        for _ in range(self.chance.randint(1, 6)):
            self.read()
        time.sleep(self.chance.uniform(0, 0.3))
        self.process.kill()
        self.end()
        self.killed["driver"] += 1
        self.process = start(self.folder, *self.arguments)

    def kill_worker(self) -> None:
        left = self.chance.randint(1, 2)
        while left:
            left -= self.read() == "running"
        time.sleep(self.chance.uniform(0, 0.3))
        busy = wait(lambda: [one for one in descendants() if name(one) == "ray::Worker.run"])
        self.chance.choice(busy).kill()
        self.killed["worker"] += 1

    def end(self) -> int:
        """Wait for the driver's end and read its last lines; return its exit code."""
        try:
            code = self.process.wait(timeout=100)
        finally:
            self.process.kill()
        for line in self.process.stdout:
            self.record(line)
        ran = toy.ran(self.folder)
        for cell in self.done():
            self.ran_when_done.setdefault(cell, ran[cell.removeprefix("cell@")])
        return code

    def done(self) -> set[str]:
        return {stage for stage, state in self.told if state == "done" and "@" in stage}


def test_ten_kills_lose_no_finished_cell_and_change_nothing(repository, sequential, cluster):
    toy.write_params(repository, range(1, CELLS + 1))
    other = sequential()
    (repository / "told/slow").write_text("0.2")
    print(f"KILLS_SEED={SEED}")  # noqa: T201
    chance = random.Random(SEED)
    run = Disturbed(repository, chance, "--address", cluster.address)
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
    assert_nothing_ran_again(run)
    assert (repository / "all.txt").read_bytes() == (other / "all.txt").read_bytes()
    assert toy.lock(repository) == toy.lock(other)
    assert toy.cache(other).items() <= toy.cache(repository).items()
    assert toy.status(repository) == {}


def assert_nothing_ran_again(run: Disturbed) -> None:
    for cell in run.done():
        states = [state for stage, state in run.told if stage == cell]
        assert "running" not in states[states.index("done") :], (cell, states)
    ran = toy.ran(run.folder)
    assert {cell: ran[cell.removeprefix("cell@")] for cell in run.ran_when_done} == (
        run.ran_when_done
    )
    assert len(ran) == CELLS
    assert ran.total() <= CELLS + 4 * 2 + 6  # the cells of a killed driver or worker
