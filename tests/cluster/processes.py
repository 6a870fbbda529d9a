"""`mpt repro` as a process that tests watch and kill."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.commands import environment


def start(folder: Path, *arguments: str, **changes: str) -> subprocess.Popen:
    """Begin `mpt repro` in a folder. Its few lines wait in a pipe until its end."""
    settings = environment(**changes)
    if "--address" not in arguments:
        settings.pop("RAY_AUTH_MODE", None)  # Ray's own default, as users have it
    # Tests that run in the background ignore Ctrl-C, and their child processes inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "stages", "repro", *arguments],
            cwd=folder,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def changes(output: str) -> list[tuple[str, str]]:
    """Return the changes that a run has printed: stages and their new states."""
    lines = [line.partition(": ") for line in output.splitlines()]
    return [(stage, words.split()[0]) for stage, _, words in lines if words]


def wait(condition: Callable[[], object]) -> object:
    """Wait until something is true; return it."""
    deadline = time.monotonic() + 60
    while not (result := condition()):
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)
    return result


def descendants(pid: int | None = None) -> list[psutil.Process]:
    """Return all processes that a process (or this one) has started."""
    return psutil.Process(pid).children(recursive=True)


def running(command: list[str]) -> psutil.Process:
    """Wait until a command runs below this process."""

    def matches(process):
        with suppress(psutil.Error):
            return process.cmdline() == command

    return wait(lambda: next(filter(matches, descendants()), None))


def name(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return process.name()
    return ""


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def assert_gone(processes: list[psutil.Process]) -> None:
    """Wait until workers and their commands have ended. Ray's own agents may take longer."""
    try:
        wait(lambda: not any(alive(one) for one in processes if "Agent" not in name(one)))
    finally:
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
