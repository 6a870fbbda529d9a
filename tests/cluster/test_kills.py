"""A grid whose driver and workers are killed again and again."""

import os
import random
import shutil
import signal
import time
from collections import Counter

import pytest

from tests.cluster import toy
from tests.cluster.running import family, gone, name, start

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
CELLS = 40
PAIRS = 5
"""Of kills, one of the driver and one of a worker."""
SEED = int(os.environ.get("KILLS_SEED", "20"))


class Disturbed:
    """A run that is killed at random moments, and begun again after each kill of its driver."""

    def __init__(self, folder, chance):
        self.folder, self.chance = folder, chance
        self.told: list[tuple[str, str]] = []
        self.ran_when_done: dict[str, int] = {}
        self.killed: list[str] = []
        self.orphans = []
        self.process = start(folder)

    def read(self) -> str:
        """Take note of the next line; return the state that it tells."""
        line = self.process.stdout.readline()
        assert line, f"over after {self.killed}: {self.process.stderr.read()}"
        return self.note(line)

    def note(self, line: str) -> str:
        stage, _, state = line.strip().partition(": ")
        state = state.partition(" ")[0]
        self.told.append((stage, state))
        return state

    def wait(self) -> None:
        time.sleep(self.chance.uniform(0, 0.5))

    def kill_driver(self) -> None:
        """Kill it, and begin the next run while what it leaves behind is still there."""
        for _ in range(self.chance.randint(1, 20)):
            self.read()
        self.wait()
        self.orphans += family(self.process)
        os.kill(self.process.pid, signal.SIGKILL)
        self.end()
        self.killed.append("driver")
        self.process = start(self.folder)

    def kill_worker(self) -> None:
        left = self.chance.randint(1, 4)
        while left:
            left -= self.read() == "running"
        self.wait()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            found = [one for one in family(self.process) if name(one) == "ray::Worker.run"]
            if found:
                self.chance.choice(found).kill()
                self.killed.append("worker")
                return
            time.sleep(0.01)
        raise AssertionError("no worker runs a cell")

    def end(self) -> int:
        """Wait for the driver's end and read what it said last; return its exit code."""
        try:
            code = self.process.wait(timeout=100)
        finally:
            self.process.kill()
        os.set_blocking(self.process.stdout.fileno(), False)  # Ray's processes may hold it
        for line in self.process.stdout.read().splitlines():
            self.note(line)
        ran = toy.ran(self.folder)
        for cell in self.done():
            self.ran_when_done.setdefault(cell, ran[cell.removeprefix("cell@")])
        return code

    def done(self) -> set[str]:
        return {stage for stage, state in self.told if state == "done" and "@" in stage}


def test_ten_kills_lose_no_finished_cell_and_change_nothing(tmp_path, monkeypatch):
    repository = toy.repository(tmp_path / "ours", cells=CELLS)
    twin = shutil.copytree(repository, tmp_path / "theirs", symlinks=True)
    (repository / "told/slow").write_text("0.3")
    print(f"KILLS_SEED={SEED}")  # noqa: T201
    chance = random.Random(SEED)
    run = Disturbed(repository, chance)
    try:
        for _ in range(PAIRS):
            # In pairs: a cell that loses its worker three times in one run is given up.
            for kill in chance.sample([run.kill_driver, run.kill_worker], 2):
                kill()
    except BaseException:
        run.process.kill()
        raise
    assert run.end() == 0, run.process.stderr.read()
    assert run.process.stderr.read() == ""
    assert gone(run.orphans)
    assert Counter(run.killed) == {"driver": PAIRS, "worker": PAIRS}
    check_nothing_ran_again(run)
    monkeypatch.chdir(twin)
    assert toy.run(twin).good
    monkeypatch.chdir(repository)
    for made in ("all.txt", "dvc.lock"):
        assert (repository / made).read_bytes() == (twin / made).read_bytes()
    assert toy.cache(twin).items() <= toy.cache(repository).items()
    assert toy.status(repository) == {}


def check_nothing_ran_again(run: Disturbed) -> None:
    for cell in run.done():
        states = [state for one, state in run.told if one == cell]
        assert "running" not in states[states.index("done") :], (cell, states)
    ran = toy.ran(run.folder)
    assert {cell: ran[cell.removeprefix("cell@")] for cell in run.ran_when_done} == (
        run.ran_when_done
    )
    assert len(ran) == CELLS
    assert ran.total() <= CELLS + 2 * PAIRS + PAIRS  # what ran when its driver or worker went
