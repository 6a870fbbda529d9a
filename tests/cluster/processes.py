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


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """Begin `mpt repro` in a folder."""
    # Tests that run in the background ignore Ctrl-C, and their child processes inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "stages", "repro", *arguments],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def read_until(beginning: str, process: subprocess.Popen) -> set[str]:
    """Read lines until one begins like this; return the stages that were done by then."""
    done = set()
    for line in process.stdout:
        name, _, state = line.strip().partition(": ")
        if state.startswith("done"):
            done.add(name)
        if line.startswith(beginning):
            return done
    raise AssertionError(process.stderr.read())


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

    def find():
        for process in descendants():
            with suppress(psutil.Error):
                if process.cmdline() == command:
                    return process
        return None

    return wait(find)


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
