"""A cell: one stage of the graph that has a command to run, and how that ended.

These cross from the driver's process to the workers', so they hold plain values alone and this
file imports neither DVC nor Ray.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

LOGS = Path("data/logs")
"""Of one file for each cell, from the root of the repository."""

PLAIN = re.compile(r"[\w@%+=:,./ -]+")
"""A command of these characters alone means the same to every shell, and to none."""


class State(StrEnum):
    """How far a stage is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    RESTORED = "restored"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def good(self) -> bool:
        """Whether what depends on the stage may run."""
        return self in {State.DONE, State.RESTORED, State.UNCHANGED}


class Watcher(Protocol):
    """What is told of every stage's state; stages/repro.py draws a table from it."""

    def __call__(self, name: str, state: State, note: str = "") -> None:
        """Say that a stage is in another state.

        Args:
            name: of the stage, as DVC addresses it.
            state: the one it is in now.
            note: why, where that is worth saying.
        """


@dataclass(frozen=True)
class Call:
    """A command that a worker runs in its own process, which has the imports already."""

    entry: str
    """module:function; the function reads sys.argv and ends with SystemExit."""
    arguments: tuple[str, ...]
    """sys.argv."""


@dataclass(frozen=True)
class Shell:
    """A command that runs as a process of its own."""

    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """What a worker needs to run a stage."""

    name: str
    folder: str
    """The working folder of its commands."""
    steps: tuple[Call | Shell, ...]
    environment: tuple[tuple[str, str], ...]
    """Variables beside those that the worker has."""
    log: str


@dataclass(frozen=True)
class Parcel:
    """What a worker needs to run a stage in a clone of the repository."""

    name: str
    folder: str
    """The driver's, and that of a clone where the node does not say another."""
    pipeline: str
    """The file of the stage, from the root of the repository."""
    stage: str
    """Its name in there."""
    texts: Mapping[str, str]
    """Of that file and of those of parameters, which are edited without a commit."""
    wanted: Mapping[str, Any]
    """The stage's command and the hashes and parameters that its deps have at the driver."""
    files: Mapping[str, str]
    """Deps that other stages make, each with its MD5 in the remote."""
    folders: tuple[str, ...]
    """Deps that hold such files; nothing else lies there but what git tracks."""
    remote: str
    commit: str
    """Of the driver's folder; empty without git."""
    mark: str
    """What the driver's own folder is known by."""


@dataclass(frozen=True)
class Outcome:
    """How a cell ended on a worker."""

    reason: str = ""
    """Of its failure, in one line; empty where it ended well."""
    not_begun: bool = False
    """Nothing ran: the worker had code from before an edit, or no place. Another is to run it."""
    log: str | None = None
    """What the cell said, where its log is in another folder than the driver's."""
    made: Mapping[str, Any] | None = None
    """The stage's entry of dvc.lock, where its outs are in a remote and not in the folder."""


def in_process(command: str, entries: Mapping[str, str]) -> Call | None:
    """Return how a worker calls a command without a shell; None where it takes one.

    Args:
        command: one line of a stage's `cmd`.
        entries: programs that can be called so: their name -> module:function.
    """
    if not PLAIN.fullmatch(command):
        return None
    words = shlex.split(command)
    if not words or words[0] not in entries:
        return None
    return Call(entries[words[0]], tuple(words))


def log_of(name: str) -> Path:
    """Return the place of a stage's log, from the root of the repository."""
    return LOGS / (re.sub(r"[^\w@.-]", "_", name) + ".log")


def last_line(lines: Sequence[str]) -> str:
    """Return the last line that says something: of a failed command, its reason."""
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else ""
