"""The commands of one stage as a worker gets them, and how they ended.

Tasks travel between processes. They hold plain values, and this file imports neither DVC nor Ray.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PLAIN = re.compile(r"([\w@%+=:,./ -]|'[\w@%+=:,./-]+')+")
"""A command of only these characters and quoted words means the same with and without a shell."""


@dataclass(frozen=True)
class Step:
    """One command of a task."""

    arguments: tuple[str, ...]
    entry: str = ""
    """module:function that the worker calls with these arguments as sys.argv, and that ends with
    SystemExit. Empty: the command runs as a process of its own."""


@dataclass(frozen=True)
class Task:
    """What a worker needs to run a stage."""

    name: str
    folder: str
    """The working directory of its commands."""
    steps: tuple[Step, ...]
    environment: tuple[tuple[str, str], ...]
    """Variables in addition to the worker's own."""
    log: str


@dataclass(frozen=True)
class Outcome:
    """How a task ended on a worker."""

    reason: str = ""
    """One line that says why it failed, or why its worker was lost; else empty."""
    retry: bool = False
    """The task should run on another worker: this one was lost, or (no reason) did not begin."""


def call_of(command: str, entries: Mapping[str, str]) -> Step | None:
    """Return the step that calls a command in the worker's process; None if it needs a shell.

    `entries` are the programs that can be called like this: name -> module:function.
    """
    words = shlex.split(command) if PLAIN.fullmatch(command) else []
    return Step(tuple(words), entries[words[0]]) if words and words[0] in entries else None


def log_path(stage: str) -> Path:
    """Return the path of a stage's log, relative to the root of the repository."""
    return Path("data/logs") / (re.sub(r"[^\w@.-]", "_", stage) + ".log")


def group(stage: str) -> str:
    """Return the matrix that a stage is generated from: `train` for train@mpt-16-1."""
    return stage.partition("@")[0]
