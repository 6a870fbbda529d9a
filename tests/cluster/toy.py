"""A toy repository with a matrix of cheap stages, and workers that need no Ray.

As in the real pipeline, outs are files and folders, and stages depend on files in such a folder
(base/one.txt, out/1/b.txt) and on a folder above several of them (out).
"""

import os
import shutil
import subprocess
from collections import Counter
from contextlib import chdir
from pathlib import Path

from pipeline.cluster.driver import Driver
from pipeline.cluster.project import Project
from pipeline.cluster.states import State, States
from pipeline.cluster.task import Outcome
from tests.imports import ROOT

PIPELINE = """\
stages:
  base:
    cmd: mkdir base && head -n 1 source.txt > base/one.txt && cp source.txt base/all.txt
    deps: [source.txt]
    outs: [base]
  cell:
    matrix:
      n: ${cells}
    cmd: sh cell.sh ${item.n}
    params: [scale, nested]
    deps: [base/one.txt, cell.sh]
    outs: ['out/${item.n}']
  all:
    cmd: cat out/*/a.txt > all.txt
    deps: [out]
    outs: [all.txt]
  note:
    cmd: cat all.txt out/1/b.txt > note.txt
    deps: [all.txt, out/1/b.txt]
    outs:
      - note.txt
metrics: [out/1/a.txt]
"""
CELLS = {f"cell@{n}" for n in range(1, 5)}

# Files in told/, which DVC does not see, control what a cell does besides its outs.
CELL = """\
echo $1 >> told/ran
test -e told/slow && sleep "$(cat told/slow)"
mkdir -p out/$1
echo $1 | tee out/$1/b.txt
test -e told/fail-$1 && { echo "no luck with $1" >&2; exit 3; }
cat base/one.txt params.yaml > out/$1/a.txt
"""

# Workers call this program in their own process.
ENTRIES = {"toy": "tests.cluster.program:main"}
PROGRAM = """\
stages:
  cell:
    matrix:
      n: ${cells}
    cmd: toy out/${item.n}.txt
    deps: [MODULE]
    outs: ['out/${item.n}.txt']
"""


def repository(folder: Path) -> Path:
    """Make a repository of git and DVC."""
    for part in ("told", "out", ".dvc"):
        (folder / part).mkdir(parents=True)
    (folder / "out/.keep").touch()
    write_params(folder, range(1, 5))
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "cell.sh").write_text(CELL)
    (folder / "source.txt").write_text("one\n")
    (folder / ".gitignore").write_text("/told\n/data\n/base\n/out\n/*.txt\n")
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    shutil.copy(ROOT / ".dvcignore", folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def program(folder: Path, *, cells: int) -> Path:
    """Have workers call tests/cluster/program.py instead; return the module that it imports."""
    module = folder / f"part_{folder.parent.name}.py"
    module.write_text("TEXT = 'one'\n")
    (folder / "dvc.yaml").write_text(PROGRAM.replace("MODULE", module.name))
    write_params(folder, range(cells))
    return module


def write_params(folder: Path, cells, *, scale: int = 1) -> None:
    (folder / "params.yaml").write_text(
        f"cells: {list(cells)}\nscale: {scale}\nnested: {{a: [1, {{b: two}}]}}\n"
    )


class Pool:
    """Workers that run one task whenever the driver waits, in the order of their start."""

    def __init__(self, size: int = 2) -> None:
        self.size = size
        self.started = []

    def start(self, task) -> None:
        assert len(self.started) < self.size
        self.started.append(task)

    def ended(self, seconds: float):
        if not self.started:
            return []
        task = self.started.pop(0)
        (step,) = task.steps
        assert not step.entry
        environment = os.environ | dict(task.environment)
        done = subprocess.run(step.arguments, cwd=task.folder, env=environment, check=False)
        return [(task.name, self.outcome(task.name, done.returncode))]

    def outcome(self, name, code):
        return Outcome(f"exit code {code}" if code else "")


def run(folder: Path, workers=None, *, targets=(), keep_going=False, watch=None, entries=()):
    """Run the driver in this process; return the states of the stages.

    `watch` is called with the name and the new state of a stage.
    """
    project = Project(folder, dict(entries))
    with project.exclusive():
        with project.lock:
            project.plan(targets)
        states = States(project.stages)
        if watch:
            states.watch = lambda name: watch(name, states.current[name])
        workers = workers or Pool()
        Driver(project=project, workers=workers, states=states, keep_going=keep_going).run()
    return states


def by_state(states: States) -> dict[State, set[str]]:
    groups: dict[State, set[str]] = {}
    for name, state in states.current.items():
        groups.setdefault(state, set()).add(name)
    return groups


def ran(folder: Path) -> Counter:
    """Return how often each cell's command ran."""
    path = folder / "told/ran"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def dvc_repro(folder: Path, **options) -> None:
    """Run `dvc repro`, whose results `mpt repro` must equal."""
    from dvc.repo import Repo

    with chdir(folder), Repo(str(folder)) as repo:
        repo.reproduce(**options)


def status(folder: Path) -> dict:
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        return repo.status()


def lock(folder: Path) -> bytes:
    return (folder / "dvc.lock").read_bytes()


def cache(folder: Path) -> dict[str, bytes]:
    top = folder / ".dvc/cache"
    return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()}


def assert_alike(folder: Path, other: Path) -> None:
    """Check that two repositories are what the same run leaves."""
    assert lock(folder) == lock(other)
    assert cache(folder) == cache(other)
    assert status(folder) == status(other) == {}
