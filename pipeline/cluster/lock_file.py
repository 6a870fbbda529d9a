"""Writes dvc.lock in batches, each atomically, in the order of `dvc repro`."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

# Each batch parses and writes the whole file, which takes seconds for hundreds of stages.
SHARE = 0.05  # the largest share of a run that is spent on it
INTERVAL = 5.0  # the least number of seconds between two batches


class LockFile:
    """The finished stages whose entries are not in dvc.lock yet.

    DVC appends new entries. So an entry waits until all earlier stages are settled: then the file
    equals that of a sequential run, byte for byte. Entries that a killed process has not written
    are in DVC's run-cache.
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
        dump([self._stages[name] for name in batch])
        self._changed -= set(batch)


def dump(stages: Sequence[Any]) -> None:
    """Write the entries of stages, in one step per file."""
    from dvc.dvcfile import ProjectFile

    files = defaultdict(list)
    for stage in stages:
        files[stage.dvcfile.path].append(stage)
    for entries in files.values():
        file = entries[0].dvcfile
        if isinstance(file, ProjectFile):
            file.dump_stages(entries, update_pipeline=False)
        else:
            file.dump(entries[0])
