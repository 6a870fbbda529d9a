"""Clones of a toy repository, and a pool of workers in them that needs no Ray."""

import os
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from pipeline.cluster.clone import CLONE, CloneWorker

NAMES = ("first", "second")


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Toy", "-c", "user.email=toy@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    """Commit what a clone needs; the toy's .gitignore leaves out some of it."""
    git(folder, "add", ".")
    git(folder, "add", "-f", "source.txt", "out/.keep")
    git(folder, "commit", "-q", "-m", "toy")


def with_remote(folder: Path, storage: Path) -> None:
    """Name a folder as DVC remote, and commit all."""
    with (folder / ".dvc" / "config").open("a") as config:
        config.write(f"['remote \"storage\"']\n    url = {storage}\n")
    commit(folder)


def clones(folder: Path, top: Path) -> list[Path]:
    found = []
    for name in NAMES:
        git(folder, "clone", "-q", str(folder), str(top / name))
        (top / name / "told").mkdir()
        found.append(top / name)
    return found


class Clones:
    """A pool of a process for each clone."""

    def __init__(self, count: int = 2) -> None:
        context = get_context("spawn")
        self._all = [ProcessPoolExecutor(1, mp_context=context) for _ in range(count)]
        self.folders: list[Path] = []
        self._running = {}

    @property
    def size(self) -> int:
        return len(self.folders)

    def start(self, parcel) -> None:
        busy = {place for place, _ in self._running.values()}
        place = next(place for place in range(self.size) if place not in busy)
        done = self._all[place].submit(_run, str(self.folders[place]), parcel)
        self._running[parcel.name] = place, done

    def ended(self, seconds: float):
        until = time.monotonic() + seconds
        while True:
            over = [name for name, (_, one) in self._running.items() if one.done()]
            if over or time.monotonic() >= until:
                return [(name, self._running.pop(name)[1].result()) for name in over]
            time.sleep(0.01)

    def close(self) -> None:
        for one in self._all:
            one.shutdown()


_worker: list[CloneWorker] = []


def _run(folder: str, parcel):
    if not _worker:
        _worker.append(CloneWorker(threads=None))
    os.environ[CLONE] = folder
    return _worker[0].run(parcel)
