"""Runs a plan: gives stages that are ready to the workers, and saves those that ended."""

import math
import time
from collections import Counter, deque
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pipeline.cluster.project import BusyError, Project
from pipeline.cluster.ray_workers import RayWorkers
from pipeline.cluster.states import State, States
from pipeline.cluster.task import Outcome

RETRIES = 2  # how often a stage runs again after its worker died
SLICE = 0.5  # seconds for which DVC's lock is held at a time, so that `dvc status` gets its turn
BUSY = 1.0  # seconds until the next try of a stage that another process works on
WAIT = 0.2  # seconds between two looks at everything else


@dataclass(kw_only=True)
class Driver:
    """Runs the plan of a project once, and keeps the states of the stages up to date."""

    project: Project
    workers: RayWorkers
    states: States
    keep_going: bool
    """After a failure, run the stages that do not need the failed one."""

    def __post_init__(self) -> None:
        """Begin with the stages that wait for no other."""
        self._sorter = TopologicalSorter(self.project.needs)
        self._sorter.prepare()
        self._ready: dict[str, float] = {}  # when each stage that is ready may begin
        self._running: set[str] = set()
        self._losses: Counter[str] = Counter()
        self._ended: deque[tuple[str, Outcome]] = deque()

    def run(self) -> None:
        """Run until nothing is left to do; do not call this while the project is locked.

        Stages that ended before an exception (Ctrl-C too) are saved all the same.
        """
        try:
            while self._sorter.is_active():
                with self.project.lock:
                    self._work()
                if self._ended:
                    continue
                idle = self._next() is None
                if self._running:
                    self._ended.extend(self.workers.ended(WAIT if idle else 0))
                elif idle and (self._stopped or not self._ready):
                    break
                elif idle:
                    time.sleep(WAIT)
        finally:
            with self.project.lock:
                self.project.close(self.states.current)
        for name, state in self.states.current.items():
            if state is State.WAITING:
                self.states.set(name, State.SKIPPED, "not begun after a failure")

    def _work(self) -> None:
        """Save and start stages while the lock is ours."""
        deadline = time.monotonic() + SLICE
        while time.monotonic() < deadline:
            if self._ended:
                self._end(*self._ended.popleft())
            elif name := self._next():
                self._start(name)
            else:
                break
        self.project.lock_file.write_due(self.states.current)

    @property
    def _stopped(self) -> bool:
        return not self.keep_going and State.FAILED in self.states.current.values()

    def _next(self) -> str | None:
        """Return the first stage that may begin now."""
        if self._stopped or len(self._running) >= self.workers.size:
            return None
        self._ready |= dict.fromkeys(self._sorter.get_ready(), 0.0)
        now = time.monotonic()
        free = (name for name in self.project.needs if self._ready.get(name, math.inf) <= now)
        return next(free, None)

    def _start(self, name: str) -> None:
        del self._ready[name]
        try:
            begun = self.project.begin(name)
        except BusyError as busy:
            self._ready[name] = time.monotonic() + BUSY
            self.states.set(name, State.WAITING, str(busy))
        except Exception as error:
            self._fail(name, str(error))
        else:
            if isinstance(begun, State):
                self._succeed(name, begun)
            else:
                self._running.add(name)
                self.workers.start(begun)
                self.states.set(name, State.RUNNING)

    def _end(self, name: str, outcome: Outcome) -> None:
        self._running.discard(name)
        if outcome.reason or outcome.retry:
            self.project.release(name)
        self._losses[name] += bool(outcome.reason)
        if outcome.retry and self._losses[name] <= RETRIES:
            self._ready[name] = 0.0
            if outcome.reason:
                self.states.set(name, State.WAITING, outcome.reason)
        elif outcome.reason:
            times = f", {self._losses[name]} times" if outcome.retry else ""
            self._fail(name, outcome.reason + times)
        else:
            try:
                self.project.finish(name)
            except Exception as error:
                self._fail(name, str(error))
            else:
                self._succeed(name, State.DONE)

    def _succeed(self, name: str, state: State) -> None:
        self.states.set(name, state)
        self._sorter.done(name)

    def _fail(self, name: str, reason: str) -> None:
        self.states.set(name, State.FAILED, " ".join(reason.split()))
        lost = {name}
        # The stages that need a stage come after it.
        for other, needs in self.project.needs.items():
            if lost & needs:
                lost.add(other)
                if self.states.current[other] is not State.SKIPPED:
                    self.states.set(other, State.SKIPPED, f"needs {name}")
