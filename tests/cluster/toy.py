"""A matrix of cheap stages, and a pool that needs no Ray."""

import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

from pipeline.cluster.cells import Outcome, Shell, State
from pipeline.cluster.driver import Driver
from pipeline.cluster.project import Project
from tests.imports import ROOT

PIPELINE = """\
stages:
  base:
    cmd: head -n 1 source.txt > base.txt
    deps: [source.txt]
    outs: [base.txt]
  cell:
    matrix:
      n: ${cells}
    cmd: sh cell.sh ${item.n}
    params: [scale, nested]
    deps: [base.txt, cell.sh]
    outs:
      - out/${item.n}/a.txt
      - out/${item.n}/b.txt
  all:
    cmd: cat out/*/a.txt > all.txt
    deps: [out]
    outs: [all.txt]
  note:
    cmd: cp all.txt note.txt
    deps: [all.txt]
    outs:
      - note.txt
"""

# What it does beside its outs is told by files that DVC does not see.
CELL = """\
echo $1 >> told/ran
test -e told/slow && touch told/began-$1 && sleep "$(cat told/slow)"
test -e told/fail-$1 && { echo "no luck with $1" >&2; exit 3; }
mkdir -p out/$1
cat base.txt params.yaml > out/$1/a.txt
echo $1 | tee out/$1/b.txt
"""

ENTRIES = {"toy": "tests.cluster.program:main"}


def repository(folder: Path, cells: int = 4) -> Path:
    """Make a repository of git and DVC."""
    for part in ("told", "out"):
        (folder / part).mkdir(parents=True)
    (folder / "out" / ".keep").touch()
    write_params(folder, range(1, cells + 1))
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "cell.sh").write_text(CELL)
    (folder / "source.txt").write_text("one\n")
    (folder / ".gitignore").write_text("/told\n/data\n/out\n/*.txt\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    shutil.copy(ROOT / ".dvcignore", folder)
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    return folder


def write_params(folder: Path, cells, *, scale: int = 1) -> None:
    (folder / "params.yaml").write_text(
        f"cells: {list(cells)}\nscale: {scale}\nnested: {{a: [1, {{b: two}}]}}\n"
    )


def program(repository: Path, cells) -> None:
    """Have the cells run in the workers' process: tests/cluster/program.py."""
    text = PIPELINE.replace("sh cell.sh ${item.n}", "toy out/${item.n}.txt")
    text = text.replace("      - out/${item.n}/a.txt\n      - out/${item.n}/b.txt\n", "")
    text = text.replace("    outs:\n  all:", "    outs: ['out/${item.n}.txt']\n  all:")
    text = text.replace("out/*/a.txt", "out/*.txt").replace("cell.sh]", f"{part(repository)}]")
    (repository / "dvc.yaml").write_text(text)
    (repository / part(repository)).write_text("TEXT = 'one'\n")
    write_params(repository, cells)


def part(repository: Path) -> str:
    return f"part_{repository.parent.name}.py"


def dvc_repro(folder: Path, **options) -> None:
    """Run what `mpt repro` is held to."""
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        repo.reproduce(**options)


def status(folder: Path) -> dict:
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        return repo.status()


class Processes:
    """A pool of processes: the driver's side of Ray."""

    def __init__(self, size: int = 2) -> None:
        self.size = size
        self._running = {}

    def start(self, cell) -> None:
        assert len(self._running) < self.size
        (step,) = cell.steps
        assert isinstance(step, Shell)
        Path(cell.log).parent.mkdir(parents=True, exist_ok=True)
        with Path(cell.log).open("w") as log:
            environment = os.environ | dict(cell.environment)
            process = subprocess.Popen(
                step.arguments, cwd=cell.folder, stdout=log, stderr=log, env=environment
            )
        self._running[cell.name] = process

    def ended(self, seconds: float):
        until = time.monotonic() + seconds
        while True:
            over = [name for name, one in self._running.items() if one.poll() is not None]
            if over or time.monotonic() >= until:
                return [(name, self.outcome(name, self._running.pop(name))) for name in over]
            time.sleep(0.01)

    def outcome(self, name, process):
        return Outcome(f"exit code {process.returncode}" if process.returncode else "")


def run(
    folder: Path,
    workers=None,
    *,
    targets=(),
    keep_going=False,
    watch=None,
    entries=(),
    remote=None,
):
    """Run the driver in this process; return its summary."""
    project = Project(folder, dict(entries), remote=remote)
    with project.alone():
        with project.locked():
            plan = project.plan(list(targets))
        driver = Driver(
            project,
            plan,
            workers or Processes(),
            keep_going=keep_going,
            watch=watch or (lambda name, state, note="": None),
        )
        return driver.run()


def by_state(summary) -> dict[State, set[str]]:
    found: dict[State, set[str]] = {}
    for name, state in summary.states.items():
        found.setdefault(state, set()).add(name)
    return found


def ran(folder: Path) -> Counter:
    """Return how often each cell's command ran."""
    path = folder / "told" / "ran"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def cache(folder: Path) -> dict[str, bytes]:
    """Return all that DVC keeps, by its place."""
    top = folder / ".dvc" / "cache"
    return {str(one.relative_to(top)): one.read_bytes() for one in top.rglob("*") if one.is_file()}


def assert_alike(one: Path, other: Path) -> None:
    """Check that two repositories are what the same run leaves."""
    assert (one / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert cache(one) == cache(other)
    assert status(one) == status(other) == {}
