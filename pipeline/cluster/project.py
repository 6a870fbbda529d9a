"""DVC's graph, and what `dvc repro` does to a stage, in steps that leave the command to others.

Written against DVC 3.67: `dvc.stage.Stage.reproduce`, `run` and `dvc.stage.run.run_stage` are
followed line by line, with the command taken out (tests/cluster/ compares the two).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.cluster.cells import Cell, Outcome, Parcel, State, log_of
from pipeline.cluster.holding import BusyError, busy, hold, holder
from pipeline.cluster.lockfile import Batches
from pipeline.cluster.remote import ThroughRemote
from pipeline.cluster.repository import open_repository, save
from pipeline.cluster.shared import SharedFolder, Way
from pipeline.errors import InputError, RunError

DRIVER = "mpt-repro"
"""The name in DVC's lock that two runs at once contend for."""


@dataclass(frozen=True)
class Plan:
    """What is to be looked at."""

    order: tuple[str, ...]
    """Of the stages, that of `dvc repro`."""
    needs: Mapping[str, frozenset[str]]
    """The stages that each one waits for."""


class Project:
    """A DVC repository. Its methods want `locked()`, except where they say so."""

    def __init__(
        self, folder: Path, entries: Mapping[str, str], *, remote: str | None = None
    ) -> None:
        """Open the repository.

        Args:
            folder: in it.
            entries: programs that workers call in their process: name -> module:function.
            remote: through which cells travel; none where all workers see the folder.

        Raises:
            InputError: there is no repository, or no such remote.
        """
        self.repo = open_repository(folder)
        self.root = Path(self.repo.root_dir)
        self._way: Way = (
            ThroughRemote(self.repo, remote) if remote else SharedFolder(self.repo, entries)
        )
        self._stages: dict[str, Any] = {}
        self._held: dict[str, ExitStack] = {}
        self._before: dict[str, dict[str, Any]] = {}
        self.batches = Batches((), {})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold DVC's lock of the repository, as every DVC command does while it works."""
        with self.repo.lock:
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one that runs this graph; not while locked.

        Raises:
            RunError: another process does, with its number and command.
        """
        place = os.path.join(self.repo.tmp_dir, DRIVER)  # noqa: PTH118
        with ExitStack() as stack:
            try:
                stack.enter_context(hold(self.repo, holder(), write=[place]))
            except BusyError as other:
                raise RunError(f"another run is under way: {other}") from None
            yield

    def plan(self, targets: Sequence[str]) -> Plan:
        """Return the stages of some targets and of what they need, as `dvc repro` does.

        Args:
            targets: stages or outs; none for all of dvc.yaml.

        Raises:
            InputError: dvc.yaml, its lock or a target is wrong.
        """
        from dvc.dvcfile import PROJECT_FILE
        from dvc.exceptions import DvcException
        from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

        try:
            chosen = collect_stages(self.repo, list(targets) or [PROJECT_FILE])
            graph = get_active_graph(self.repo.index.graph)
            steps = plan_repro(graph, chosen)
        except DvcException as error:
            raise InputError(str(error)) from None
        self._stages = {stage.addressing: stage for stage in steps}
        needs = {
            name: frozenset(one.addressing for one in graph.successors(stage))
            for name, stage in self._stages.items()
        }
        order = tuple(self._stages)
        self.batches = Batches(order, self._stages)
        return Plan(order, needs)

    def stage(self, name: str) -> Any:  # noqa: ANN401
        """Return DVC's stage of a plan."""
        return self._stages[name]

    def begin(self, name: str) -> State | Cell | Parcel:
        """Look at a stage whose needs are met, and do all of it but its command.

        Returns:
            How it ended, or the cell to run: `finish` or `abandon` it then.

        Raises:
            BusyError: another process works on it.
            dvc.exceptions.DvcException: it cannot be done.
        """
        stage = self._stages[name]
        with busy():
            if stage.frozen or not stage.cmd:
                changed = stage.reproduce() is not None
            elif not stage.changed():
                changed = False
            else:
                return self._prepare(name, stage)
        self.batches.settle(name, changed=changed)
        return State.DONE if changed else State.UNCHANGED

    def again(self, name: str) -> Cell | Parcel:
        """Prepare a cell anew that was begun and whose worker was lost."""
        self.abandon(name)
        stage = self._stages[name]
        with busy():
            stage.remove_outs()
            stage.save_deps()
            return self._cell(name, stage)

    @property
    def worker(self) -> type:
        """What runs the cells."""
        return self._way.worker

    def finish(self, name: str, outcome: Outcome) -> None:
        """Save what a cell's command has made: to the cache and, at once, to the run-cache.

        Args:
            name: of the stage.
            outcome: the worker's, a good one.

        Raises:
            RunError: what the stage depends on changed during the run, so nothing was saved.
            dvc.exceptions.DvcException: an out is missing, say.
        """
        stage = self._stages[name]
        before = self._before[name]
        self.abandon(name)
        self._keep_log(name, outcome)
        stage.save_deps()
        changed = [dep for dep, value in _dependencies(stage).items() if before[dep] != value]
        if changed:
            raise RunError(f"{', '.join(changed)} changed while it ran: not saved")
        self._way.unpack(stage, outcome)
        save(self.repo, stage)
        self.batches.settle(name, changed=True)

    def fail(self, name: str, outcome: Outcome) -> None:
        """Give up a cell that ended badly.

        Args:
            name: of the stage.
            outcome: the worker's.
        """
        self.abandon(name)
        self._keep_log(name, outcome)

    def abandon(self, name: str) -> None:
        """Give up a cell: others may work on it."""
        self._before.pop(name, None)
        held = self._held.pop(name, None)
        if held:
            held.close()

    def settle(self, name: str) -> None:
        """Take note that a stage will not come any more in this run."""
        self.batches.settle(name, changed=False)

    def close(self) -> None:
        """Give up what is under way and write the rest of dvc.lock."""
        for name in list(self._held):
            self.abandon(name)
        with self.repo.scm_context(quiet=True):
            self.batches.write(last=True)
        self.repo.close()

    def _prepare(self, name: str, stage: Any) -> State | Cell | Parcel:  # noqa: ANN401
        from dvc.stage.cache import RunCacheNotFoundError

        stage.remove_outs()
        try:
            self._way.restore(stage)
        except RunCacheNotFoundError:
            stage.save_deps()
            return self._cell(name, stage)
        save(self.repo, stage)
        self.batches.settle(name, changed=True)
        return State.RESTORED

    def _cell(self, name: str, stage: Any) -> Cell | Parcel:  # noqa: ANN401
        # Reading, though the outs are written: `dvc status` may look at them meanwhile, and who
        # wants to write them is refused all the same.
        paths = [one.fs_path for one in (*stage.deps, *stage.outs) if one.protocol == "local"]
        held = ExitStack()
        held.enter_context(hold(self.repo, f"{holder()} ({name})", read=paths))
        self._held[name] = held
        self._before[name] = _dependencies(stage)
        try:
            return self._way.pack(name, stage)
        except Exception:
            self.abandon(name)
            raise

    def _keep_log(self, name: str, outcome: Outcome) -> None:
        if outcome.log is not None:
            path = self.root / log_of(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(outcome.log, encoding="utf-8")


def _dependencies(stage: Any) -> dict[str, Any]:  # noqa: ANN401
    return {str(dep): dep.hash_info.value for dep in stage.deps}
