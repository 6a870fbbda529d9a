"""Faults that are put into the code, one at a time, to see whether the tests notice.

    python -m bench.mutants
    python -m bench.mutants --only seed --jobs 2

bench/mutants.yaml lists them, each as a replacement of one text in one file, with the tests that
should fail. (Tools such as mutmut change operators and constants everywhere; these are faults that
somebody could make, by what they mean.) The tests run in clones of the last commit, first without
a fault. Prints the survivors, and exits with 1 if there is one whose entry does not say why.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from pipeline.errors import RunError
from pipeline.params.strict import Strictly
from stages.terminal import bar, say

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_suffix(".yaml")
LONGEST = 900.0
"""Seconds after which a fault counts as noticed, because the tests hang."""


class Mutant(Strictly):
    """A fault.

    Attributes:
        name: what is wrong with it.
        file: relative to the repository.
        find: a text that occurs once in the file.
        replace: what takes its place.
        tests: files or folders of tests, of which one should fail.
        survives: why no test fails, if that is known.
    """

    name: str
    file: str
    find: str
    replace: str
    tests: list[str]
    survives: str = ""

    def mutated(self, folder: Path) -> str:
        """Return the text of the file in the repository `folder`, with the fault.

        Raises:
            RunError: the text to replace is not there, or not once.
        """
        text = (folder / self.file).read_text(encoding="utf-8")
        if (found := text.count(self.find)) != 1:
            raise RunError(f"{self.file}: expected once {self.find!r}, found {found} times")
        return text.replace(self.find, self.replace)


def read_mutants() -> list[Mutant]:
    """Return the faults of the list."""
    entries = YAML(typ="safe").load(LIST)
    return TypeAdapter(list[Mutant]).validate_python(entries)


def caught(mutant: Mutant, clone: Path) -> bool:
    """Put a fault into a clone, and return whether its tests fail."""
    path = clone / mutant.file
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.mutated(clone), encoding="utf-8")
    try:
        return bool(failure(mutant.tests, clone))
    finally:
        path.write_text(before, encoding="utf-8")


def failure(tests: Sequence[str], clone: Path) -> str:
    """Run tests in a clone until one fails; return what pytest says of it, "" if all pass.

    Raises:
        RunError: there are no such tests.
    """
    # Compiled files are known by their second and size, which may be those of the sound code.
    environment = os.environ | {"PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-x", "--quiet", "-rfE", "-p", "no:cacheprovider", "--tb=line"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    try:
        done = subprocess.run(
            command, cwd=clone, env=environment, capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done after {LONGEST:g} seconds"
    said = done.stdout.decode().strip()
    if done.returncode > 1:
        raise RunError(f"{' '.join(tests)}: {said[-500:]}")
    return " ".join(said.splitlines()[-3:]) if done.returncode else ""


@contextmanager
def clones(number: int) -> Iterator[SimpleQueue[Path]]:
    """Clone the last commit so many times, each beside the folder of real data."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        for one in range(number):
            clone = Path(folder) / str(one) / "repository"
            subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
            if (shared := ROOT.parent / "shared").exists():
                (clone.parent / "shared").symlink_to(shared)
            free.put(clone)
        yield free


def survivors(mutants: Sequence[Mutant], *, jobs: int) -> list[Mutant]:
    """Return the faults that no test notices.

    Raises:
        RunError: tests fail without a fault.
    """
    with clones(jobs) as free, bar() as progress, ThreadPoolExecutor(jobs) as pool:
        clone = free.get()
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        if found := failure(tests, clone):
            raise RunError(f"expected the tests to pass without a fault, found {found}")
        free.put(clone)

        def survives(mutant: Mutant) -> bool:
            clone = free.get()
            try:
                return not caught(mutant, clone)
            finally:
                free.put(clone)

        alive_ones = []
        for number, alive in enumerate(pool.map(survives, mutants)):
            if alive:
                alive_ones.append(mutants[number])
            progress("mutants", number + 1, len(mutants), mutants[number].name)
    return alive_ones


def main() -> None:
    """Put in the faults and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the name or file of faults")
    parser.add_argument("--jobs", type=int, default=1, help="tests that run at once")
    chosen = parser.parse_args()
    mutants = [one for one in read_mutants() if chosen.only in f"{one.name} {one.file}"]
    try:
        found = survivors(mutants, jobs=chosen.jobs)
    except RunError as error:
        sys.exit(f"error: {error}")
    say(f"{len(mutants)} faults, {len(mutants) - len(found)} noticed, {len(found)} not:")
    for mutant in found:
        say(f"- {mutant.file}: {mutant.name} {mutant.survives or 'Why is not known.'}")
    sys.exit(any(not mutant.survives for mutant in found))


if __name__ == "__main__":
    main()
