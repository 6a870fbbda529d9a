"""The graph, run: what is ready goes to the workers, what ended is saved."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from pipeline.cluster.cells import Outcome, State, Watcher
from pipeline.cluster.holding import BusyError
from pipeline.cluster.pool import Lost, Workers
from pipeline.cluster.project import Plan, Project

RETRIES = 2
"""How often a cell runs again whose worker died."""

SLICE = 0.5
"""Seconds for which DVC's lock is held at a stretch, so that `dvc status` has its turn."""

BUSY = 1.0
"""Seconds until a stage is looked at again that another process works on."""


@dataclass
class Summary:
    """How a run ended."""

    states: dict[str, State] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every stage is as it should be."""
        return all(state.good for state in self.states.values())


class Driver:
    """One run over a plan."""

    def __init__(
        self,
        project: Project,
        plan: Plan,
        workers: Workers,
        *,
        keep_going: bool,
        watch: Watcher,
    ) -> None:
        """Begin with everything waiting.

        Args:
            project: the repository.
            plan: its stages and what each waits for.
            workers: that run cells.
            keep_going: run what does not depend on a failed stage.
            watch: is told of every change.
        """
        self._project = project
        self._plan = plan
        self._workers = workers
        self._keep_going = keep_going
        self._watch = watch
        self._place = {name: place for place, name in enumerate(plan.order)}
        self._sorter = TopologicalSorter(plan.needs)
        self._sorter.prepare()
        self._ready: list[str] = []
        self._again: deque[str] = deque()
        self._later: dict[str, float] = {}
        self._running: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._arrived: deque[tuple[str, Outcome | Lost]] = deque()
        self.summary = Summary(dict.fromkeys(plan.order, State.WAITING))

    def run(self) -> Summary:
        """Run until nothing is left to do; not while locked.

        What ended before an exception, Ctrl-C too, is saved all the same.
        """
        try:
            while self._sorter.is_active():
                with self._project.locked():
                    self._work()
                later = self._later and not self._stopped
                if not (self._running or self._can_start() or later):
                    break
                if not self._arrived:
                    self._arrived.extend(self._workers.ended(0.0 if self._can_start() else 0.2))
                if not self._running and later:
                    time.sleep(0.2)
        finally:
            with self._project.locked():
                self._project.close()
        for name, state in self.summary.states.items():
            if state is State.WAITING:
                self._set(name, State.SKIPPED, "not begun after a failure")
        return self.summary

    def _work(self) -> None:
        """Save and start what can be, for as long as the lock is ours."""
        until = time.monotonic() + SLICE
        while time.monotonic() < until:
            if self._arrived:
                self._settle(*self._arrived.popleft())
            elif self._can_start():
                self._start()
            else:
                break
        self._project.batches.write()

    def _can_start(self) -> bool:
        if self._stopped or len(self._running) >= self._workers.size:
            return False
        self._collect()
        return bool(self._ready or self._again)

    @property
    def _stopped(self) -> bool:
        return not self._keep_going and State.FAILED in self.summary.states.values()

    def _collect(self) -> None:
        now = time.monotonic()
        due = [name for name, moment in self._later.items() if moment <= now]
        for name in due:
            del self._later[name]
        fresh = self._sorter.get_ready()
        if due or fresh:
            self._ready = sorted([*self._ready, *due, *fresh], key=self._place.__getitem__)

    def _start(self) -> None:
        again = bool(self._again)
        name = self._again.popleft() if again else self._ready.pop(0)
        try:
            found = self._project.again(name) if again else self._project.begin(name)
        except BusyError as busy:
            self._later[name] = time.monotonic() + BUSY
            self._set(name, State.WAITING, str(busy))
        except Exception as error:
            self._fail(name, f"{error}")
        else:
            if isinstance(found, State):
                self._done(name, found)
            else:
                self._running.add(name)
                self._workers.start(found)
                self._set(name, State.RUNNING)

    def _settle(self, name: str, outcome: Outcome | Lost) -> None:
        self._running.discard(name)
        if isinstance(outcome, Lost):
            self._attempts[name] = self._attempts.get(name, 0) + 1
            if self._attempts[name] > RETRIES:
                self._project.abandon(name)
                self._fail(name, f"{outcome.reason}, {self._attempts[name]} times")
            else:
                self._again.append(name)
                self._set(name, State.WAITING, outcome.reason)
        elif outcome.not_begun:
            self._again.append(name)
        elif outcome.reason:
            self._project.fail(name, outcome)
            self._fail(name, outcome.reason)
        else:
            try:
                self._project.finish(name, outcome)
            except Exception as error:
                self._fail(name, f"{error}")
            else:
                self._done(name, State.DONE)

    def _done(self, name: str, state: State) -> None:
        self._set(name, state)
        self._sorter.done(name)

    def _fail(self, name: str, reason: str) -> None:
        self._set(name, State.FAILED, " ".join(reason.split()))
        self._project.settle(name)
        lost = {name}
        for one in self._plan.order:  # whatever depends on a stage comes after it
            if lost & self._plan.needs[one]:
                lost.add(one)
                if self.summary.states[one] is not State.SKIPPED:
                    self._set(one, State.SKIPPED, f"needs {name}")
                    self._project.settle(one)

    def _set(self, name: str, state: State, note: str = "") -> None:
        self.summary.states[name] = state
        if note:
            self.summary.reasons[name] = note
        self._watch(name, state, note)


def expected_seconds(
    states: Mapping[str, State], seconds: Mapping[str, float], *, workers: int
) -> float | None:
    """Return how long the rest would take if it all ran; None where nothing is known.

    Args:
        states: of all stages.
        seconds: that stages took which ran.
        workers: how many run at once.
    """
    kinds: dict[str, list[float]] = {}
    for name, took in seconds.items():
        kinds.setdefault(kind(name), []).append(took)
    if not kinds:
        return None
    every = [took for some in kinds.values() for took in some]
    left = [name for name, state in states.items() if state in {State.WAITING, State.RUNNING}]
    total = 0.0
    for name in left:
        known = kinds.get(kind(name), every)
        total += sum(known) / len(known)
    return total / workers


def kind(name: str) -> str:
    """Return the stage of a matrix that a cell is of: train@mpt-16-1 is of train."""
    return name.partition("@")[0]
