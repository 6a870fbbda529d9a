"""`mpt repro` as a process that is watched, and killed."""

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
    """Begin `mpt repro --jobs 2` in a folder."""
    # What runs in the background, as tests may, ignores Ctrl-C, and so does what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "stages", "repro", "--jobs", "2", *arguments],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def until(said: str, process: subprocess.Popen) -> set[str]:
    """Read lines until one says something; return the stages that were done by then."""
    done = set()
    for line in process.stdout:
        name, _, state = line.strip().partition(": ")
        if state.startswith("done"):
            done.add(name)
        if line.startswith(said):
            return done
    raise AssertionError(process.stderr.read())


def family(process: subprocess.Popen) -> list[psutil.Process]:
    """Return the processes that a run has started."""
    return psutil.Process(process.pid).children(recursive=True)


def wait(condition: Callable[[], bool]) -> None:
    """Wait for something to hold."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never held"
        time.sleep(0.01)


def running(command: list[str]) -> psutil.Process:
    """Wait for a command to run below this process."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if one.cmdline() == command:
                    return one
        time.sleep(0.01)
    raise AssertionError(f"never ran: {' '.join(command)}")


def worker_of(command: psutil.Process) -> psutil.Process:
    """Return the worker that runs a command, in a shell or as one."""
    return next(one for one in command.parents() if name(one).startswith("ray::"))


def gone(processes: list[psutil.Process]) -> bool:
    """Wait for workers and their commands to end; Ray's own agents may take their time."""
    ours = [one for one in processes if not agent(one)]
    until = time.monotonic() + 20
    while [one for one in ours if alive(one)] and time.monotonic() < until:
        time.sleep(0.1)
    left = [one for one in ours if alive(one)]
    for one in processes:
        if alive(one):
            one.kill()
    return not left


def agent(process: psutil.Process) -> bool:
    return "Agent" in name(process)


def name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
