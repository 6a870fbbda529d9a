"""The state of every stage during a run."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum
from statistics import fmean

from pipeline.cluster.task import group


class State(StrEnum):
    """The state of a stage."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    RESTORED = "restored"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"


UNFINISHED = {State.WAITING, State.RUNNING}


class States:
    """The state of every stage, its reason, and how long stages took."""

    def __init__(self, names: Iterable[str]) -> None:
        """Begin with every stage waiting."""
        self.current = dict.fromkeys(names, State.WAITING)
        self.reasons: dict[str, str] = {}  # one line each, or nothing
        self.started = time.monotonic()
        self.began: dict[str, float] = {}  # of running stages
        self.seconds: dict[str, float] = {}  # of stages that are done
        self.watch: Callable[[str], None] = lambda _: None
        """Called with the name of a stage after each change."""

    def set(self, name: str, state: State, reason: str = "") -> None:
        """Change the state of a stage."""
        if state is State.RUNNING:
            self.began[name] = time.monotonic()
        elif (began := self.began.pop(name, None)) and state is State.DONE:
            self.seconds[name] = time.monotonic() - began
        self.current[name] = state
        self.reasons[name] = reason
        self.watch(name)

    @property
    def good(self) -> bool:
        """Whether every stage ended well."""
        return set(self.current.values()) <= {State.DONE, State.RESTORED, State.UNCHANGED}

    def __str__(self) -> str:
        """Return how many stages are in which state."""
        counts = Counter(self.current.values())
        return ", ".join(f"{counts[state]} {state}" for state in State if counts[state])

    def with_reason(self, state: State) -> dict[str, str]:
        """Return the reasons of the stages in a state, for those that have one."""
        names = [name for name, current in self.current.items() if current is state]
        return {name: self.reasons[name] for name in names if self.reasons.get(name)}

    def seconds_left(self, *, workers: int) -> float | None:
        """Return how long the rest will take if all of it runs; None if no stage has run yet."""
        seconds = dict(self.seconds)  # a view calls this from another thread
        if not seconds:
            return None
        by_group = defaultdict(list)
        for name, taken in seconds.items():
            by_group[group(name)].append(taken)
        left = [name for name, state in self.current.items() if state in UNFINISHED]
        return sum(fmean(by_group.get(group(name), seconds.values())) for name in left) / workers
