"""Writes dvc.lock in batches, in the order of `dvc repro`."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from pipeline.cluster.states import UNFINISHED, State

# Each batch parses and writes the whole file, which takes seconds for hundreds of stages.
SHARE = 0.05  # the largest share of a run that is spent on it
INTERVAL = 5.0  # the least number of seconds between two batches


class LockFile:
    """The entries of finished stages in dvc.lock.

    DVC appends new entries. So an entry waits until all earlier stages have ended: then the file
    equals that of a sequential run, byte for byte. Entries that a killed process has not written
    are in DVC's run-cache.
    """

    def __init__(self, stages: Mapping[str, Any]) -> None:
        """Begin with nothing to write; DVC's stages are in the order of `dvc repro`."""
        self._stages = stages
        self._written: set[str] = set()
        self._next = time.monotonic() + INTERVAL

    def write_due(self, states: Mapping[str, State]) -> None:
        """Write the entries that need not wait, if the last batch is long enough ago."""
        started = time.monotonic()
        if started < self._next:
            return
        due = takewhile(lambda name: states[name] not in UNFINISHED, self._stages)
        self.write({name: states[name] for name in due})
        ended = time.monotonic()
        self._next = ended + max(INTERVAL, (ended - started) / SHARE)

    def write(self, states: Mapping[str, State]) -> None:
        """Write the entries of all finished stages."""
        changed = {name for name, state in states.items() if state in {State.DONE, State.RESTORED}}
        dump([self._stages[name] for name in states if name in changed - self._written])
        self._written |= changed


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
