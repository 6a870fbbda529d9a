"""Writes dvc.lock in batches, each atomically, in the order of `dvc repro`."""

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

SHARE = 0.05
"""The largest share of a run spent on writing dvc.lock: each batch parses and writes the whole
file, which takes seconds for hundreds of stages."""

INTERVAL = 5.0
"""The least number of seconds between two batches."""


class LockFile:
    """The finished stages whose entries are not in dvc.lock yet.

    DVC appends new entries. So an entry waits until all earlier stages are settled: then the file
    equals that of a sequential run, byte for byte. What a killed process has not written is in
    DVC's run-cache.
    """

    def __init__(self, stages: Mapping[str, Any]) -> None:
        """Begin with nothing to write; DVC's stages are in the order of `dvc repro`."""
        self._stages = stages
        self._settled: set[str] = set()
        self._changed: set[str] = set()
        self._next = time.monotonic() + INTERVAL

    def settle(self, name: str, *, changed: bool) -> None:
        """Record that a stage has ended, and whether dvc.lock needs its entry."""
        self._settled.add(name)
        if changed:
            self._changed.add(name)

    def write_due(self) -> None:
        """Write the entries that need not wait, if the last batch is long enough ago."""
        started = time.monotonic()
        if started < self._next:
            return
        self._write(takewhile(self._settled.__contains__, self._stages))
        ended = time.monotonic()
        self._next = ended + max(INTERVAL, (ended - started) / SHARE)

    def write_all(self) -> None:
        """Write the entries of all finished stages."""
        self._write(self._stages)

    def _write(self, names: Iterable[str]) -> None:
        batch = [name for name in names if name in self._changed]
        if batch:
            dump([self._stages[name] for name in batch])
            self._changed -= set(batch)


def dump(stages: Sequence[Any]) -> None:
    """Write the entries of stages to their lock files, each of which is replaced in one step.

    DVC writes into the file: a process killed meanwhile would leave half of it.
    """
    from dvc.dvcfile import Lockfile
    from dvc.stage import PipelineStage

    files: dict[str, list[Any]] = {}
    for stage in stages:
        if isinstance(stage, PipelineStage):
            files.setdefault(stage.dvcfile.path, []).append(stage)
        else:
            stage.dump(update_pipeline=False)
    for pipeline, entries in files.items():
        repo = entries[0].repo
        path = Path(pipeline).with_suffix(".lock")
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        if path.exists():
            shutil.copyfile(path, draft)
        lock = Lockfile(repo, str(draft))
        lock.dump_stages(entries)
        repo.scm_context.files_to_track.discard(lock.relpath)
        repo.scm_context.files_to_track.add(Lockfile(repo, str(path)).relpath)
        draft.replace(path)
