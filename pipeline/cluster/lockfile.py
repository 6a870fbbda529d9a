"""dvc.lock, written in batches, whole, and in the order in which `dvc repro` would write it."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SHARE = 0.05
"""Of the time of a run that goes into writing dvc.lock, at most: a batch parses and writes all of
it, which takes seconds for hundreds of cells."""


RARELY = 5.0
"""Seconds between two batches, at least."""


class Batches:
    """The finished stages that are not in dvc.lock yet.

    New entries are appended to the file, so they wait for the stages before them: only then is
    the file the one that a sequential run writes, byte for byte. What a killed process had not
    written is in DVC's run-cache.
    """

    def __init__(self, order: Sequence[str], stages: Mapping[str, Any]) -> None:
        """Begin with nothing to write.

        Args:
            order: of the stages, that of `dvc repro`.
            stages: DVC's, by name.
        """
        self._order = list(order)
        self._stages = stages
        self._settled: set[str] = set()
        self._changed: set[str] = set()
        self._next = time.monotonic() + RARELY

    def settle(self, name: str, *, changed: bool) -> None:
        """Take note that a stage is over.

        Args:
            name: of the stage.
            changed: whether its entry is to be written.
        """
        self._settled.add(name)
        if changed:
            self._changed.add(name)

    def write(self, *, last: bool = False) -> None:
        """Write what can be written, if it is time for it.

        Args:
            last: write everything, and now.
        """
        started = time.monotonic()
        if not last and started < self._next:
            return
        batch = []
        for name in self._order:
            if name not in self._settled and not last:
                break
            if name in self._changed:
                batch.append(name)
        if batch:
            dump([self._stages[name] for name in batch])
            self._changed -= set(batch)
        now = time.monotonic()
        self._next = now + max(RARELY, (now - started) / SHARE)


def dump(stages: Sequence[Any]) -> None:
    """Write the entries of stages into their lock files; each file is replaced as a whole.

    DVC writes into the file itself: a process killed meanwhile would leave half of it.
    """
    from dvc.dvcfile import Lockfile
    from dvc.stage import PipelineStage

    files: dict[str, list[Any]] = {}
    for stage in stages:
        if isinstance(stage, PipelineStage):
            files.setdefault(stage.dvcfile.path, []).append(stage)
        else:
            stage.dump(update_pipeline=False)
    for path, ours in files.items():
        repo = ours[0].repo
        final = Path(path).with_suffix(".lock")
        beside = final.with_name(f".{final.name}.new")
        if final.exists():
            shutil.copyfile(final, beside)
        else:
            beside.unlink(missing_ok=True)
        Lockfile(repo, str(beside)).dump_stages(ours)
        tracked = repo.scm_context.files_to_track
        tracked.discard(Lockfile(repo, str(beside)).relpath)
        tracked.add(Lockfile(repo, str(final)).relpath)
        beside.replace(final)
