"""Runs a plan: gives stages that are ready to the workers, and saves those that ended."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from graphlib import TopologicalSorter

from pipeline.cluster.project import Project
from pipeline.cluster.ray_workers import RayWorkers
from pipeline.cluster.repository import BusyError
from pipeline.cluster.states import State, States
from pipeline.cluster.task import Outcome

RETRIES = 2
"""How often a stage runs again after its worker died."""

SLICE = 0.5
"""Seconds for which DVC's lock is held at a time, so that `dvc status` gets its turn."""

BUSY = 1.0
"""Seconds between two looks at a stage that another process works on."""

WAIT = 0.2
"""Seconds between two looks at everything else."""


class Driver:
    """Runs a plan once."""

    def __init__(
        self,
        project: Project,
        needs: Mapping[str, frozenset[str]],
        workers: RayWorkers,
        states: States,
        *,
        keep_going: bool,
    ) -> None:
        """Prepare.

        Args:
            project: the repository.
            needs: its plan: for each stage, the stages that it waits for.
            workers: run the tasks.
            states: of the stages, which the driver keeps up to date.
            keep_going: after a failure, run the stages that do not need the failed one.
        """
        self._project = project
        self._needs = needs
        self._workers = workers
        self._states = states
        self._keep_going = keep_going
        self._position = {name: position for position, name in enumerate(needs)}
        self._sorter = TopologicalSorter(needs)
        self._sorter.prepare()
        self._ready: list[str] = []
        self._busy: dict[str, float] = {}
        self._running: set[str] = set()
        self._losses: Counter[str] = Counter()
        self._ended: deque[tuple[str, Outcome]] = deque()

    def run(self) -> None:
        """Run until nothing is left to do; do not call this while the project is locked.

        Stages that ended before an exception (Ctrl-C too) are saved all the same.
        """
        try:
            while self._sorter.is_active():
                with self._project.lock:
                    self._work()
                if self._running:
                    if not self._ended:
                        self._ended.extend(self._workers.ended(0 if self._can_start() else WAIT))
                elif self._busy and not self._stopped:
                    time.sleep(WAIT)
                elif not self._can_start():
                    break
        finally:
            with self._project.lock:
                self._project.close()
        for name, state in self._states.current.items():
            if state is State.WAITING:
                self._states.set(name, State.SKIPPED, "not begun after a failure")

    def _work(self) -> None:
        """Save and start stages while the lock is ours."""
        deadline = time.monotonic() + SLICE
        while time.monotonic() < deadline:
            if self._ended:
                self._end(*self._ended.popleft())
            elif self._can_start():
                self._start(self._ready.pop(0))
            else:
                break
        self._project.lock_file.write_due()

    @property
    def _stopped(self) -> bool:
        return not self._keep_going and State.FAILED in self._states.current.values()

    def _can_start(self) -> bool:
        if self._stopped or len(self._running) >= self._workers.size:
            return False
        now = time.monotonic()
        free = [name for name, until in self._busy.items() if until <= now]
        for name in free:
            del self._busy[name]
        self._add(*free, *self._sorter.get_ready())
        return bool(self._ready)

    def _add(self, *names: str) -> None:
        self._ready = sorted([*self._ready, *names], key=self._position.__getitem__)

    def _start(self, name: str) -> None:
        try:
            begun = self._project.begin(name)
        except BusyError as busy:
            self._busy[name] = time.monotonic() + BUSY
            self._states.set(name, State.WAITING, str(busy))
        except Exception as error:
            self._fail(name, str(error))
        else:
            if isinstance(begun, State):
                self._succeed(name, begun)
            else:
                self._running.add(name)
                self._workers.start(begun)
                self._states.set(name, State.RUNNING)

    def _end(self, name: str, outcome: Outcome) -> None:
        self._running.discard(name)
        if outcome.reason or outcome.retry:
            self._project.release(name)
            self._repeat_or_fail(name, outcome)
            return
        try:
            self._project.finish(name)
        except Exception as error:
            self._fail(name, str(error))
        else:
            self._succeed(name, State.DONE)

    def _repeat_or_fail(self, name: str, outcome: Outcome) -> None:
        self._losses[name] += bool(outcome.retry and outcome.reason)
        if not outcome.retry:
            self._fail(name, outcome.reason)
        elif self._losses[name] > RETRIES:
            self._fail(name, f"{outcome.reason}, {self._losses[name]} times")
        else:
            self._add(name)
            if outcome.reason:
                self._states.set(name, State.WAITING, outcome.reason)

    def _succeed(self, name: str, state: State) -> None:
        self._states.set(name, state)
        self._sorter.done(name)

    def _fail(self, name: str, reason: str) -> None:
        self._states.set(name, State.FAILED, " ".join(reason.split()))
        self._project.lock_file.settle(name, changed=False)
        lost = {name}
        for other, needs in self._needs.items():  # the stages that need a stage come after it
            if lost & needs:
                lost.add(other)
                if self._states.current[other] is not State.SKIPPED:
                    self._states.set(other, State.SKIPPED, f"needs {name}")
                    self._project.lock_file.settle(other, changed=False)
