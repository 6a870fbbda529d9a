"""Runs tasks in a worker's process, one after another, each as if in a new process."""

import fcntl
import gc
import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TextIO

from pipeline.cluster.imported_code import IMPORTED, outdated, watch
from pipeline.cluster.process_state import as_in_new_process
from pipeline.cluster.task import Outcome, Step, Task
from pipeline.errors import InputError, RunError

PATIENCE = 60.0  # seconds that a task waits for leftover processes of an earlier run of its stage

ROOM = 2**16  # bytes; where fewer are left, an empty log says nothing

# Kills its process group when its input ends without a line. A command may end its own group.
# Its output goes nowhere, because it must not keep the log locked.
GUARD = "exec 3<&0 >/dev/null 2>&1; { trap '' TERM; read -r _ <&3 || kill -s KILL 0; } &"


class Worker:
    """Runs tasks. Imports stay loaded, so that every task but the first starts quickly."""

    def __init__(self, *, threads: int, chosen: bool = False) -> None:
        """Prepare. Each task gets `threads` CPU threads, `chosen` if the user set their number."""
        # Ray sets this variable; commands would mistake it for the user's choice.
        os.environ.pop("OMP_NUM_THREADS", None)
        if chosen:
            os.environ["OMP_NUM_THREADS"] = str(threads)
        # As in stages/cli.py: imports make many objects, which the collector would scan each time.
        gc.set_threshold(200_000, 20, 20)
        watch()
        self._threads = threads

    def run(self, task: Task) -> Outcome:
        """Run a task's commands; their output goes to its log."""
        if any(step.entry for step in task.steps):
            if outdated(set(IMPORTED)):
                return Outcome(retry=True)
            # Nearly every task needs it, and only then are its threads set.
            importlib.import_module("torch")
        try:
            with as_in_new_process(threads=self._threads), _output_to(Path(task.log)) as log:
                for step in task.steps:
                    code = _call(step, task, log) if step.entry else _spawn(step, task)
                    if code:
                        return Outcome(_reason(step, task, code))
        except OSError as error:
            return Outcome(f"{task.log}: {error}")
        return Outcome()


def run_here(task: Task) -> None:
    """Run a task's commands on this machine, each as a process of its own.

    Raises:
        InputError, RunError: one of them failed; the message is the reason.
    """
    path = Path(task.log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log:
        for step in task.steps:
            module, _, function = step.entry.partition(":")
            call = f"import sys, {module} as m; sys.argv[:] = {step.arguments}; m.{function}()"
            ended = subprocess.run(
                (sys.executable, "-c", call) if step.entry else step.arguments,
                cwd=task.folder,
                env=os.environ | dict(task.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
            if ended.returncode:
                wrong = InputError if ended.returncode == 2 and step.entry else RunError
                raise wrong(_reason(step, task, ended.returncode))


@contextmanager
def _output_to(path: Path) -> Iterator[TextIO]:
    """Redirect the output of this process, and of the processes it starts, to a file.

    The file stays locked while any of them has it open. So if a command outlives its killed
    worker, the next run of the stage notices and does not write the same outs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as log, ExitStack() as stack:
        _lock(log)
        log.truncate(0)
        for descriptor in (1, 2):  # stdout and stderr
            before = os.dup(descriptor)
            stack.callback(os.close, before)
            stack.callback(os.dup2, before, descriptor)
            os.dup2(log.fileno(), descriptor)
        with redirect_stdout(log), redirect_stderr(log):
            yield log


def _lock(file: TextIO) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.1)
    raise OSError("expected no earlier run of this stage, found one that still writes to the log")


def _call(step: Step, task: Task, log: TextIO) -> int:
    """Call a command in this process; return its exit code."""
    os.environ.update(task.environment)
    os.chdir(task.folder)
    sys.argv[:] = step.arguments
    module, _, function = step.entry.partition(":")
    try:
        getattr(importlib.import_module(module), function)()
    except SystemExit as end:
        # As the interpreter does: None means 0, and anything but a number is a message.
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        log.write(f"{end.code}\n")
        return 1
    except Exception as error:
        log.write(f"{type(error).__name__}: {' '.join(str(error).split())}\n")
        return 1
    finally:
        log.flush()
    return 0


def _spawn(step: Step, task: Task) -> int:
    """Run a command as a process; return its exit code."""
    with _guarded_group() as group:
        return subprocess.run(
            step.arguments,
            cwd=task.folder,
            env=os.environ | dict(task.environment),
            stdin=subprocess.DEVNULL,
            check=False,
            process_group=group,
            # Ray's workers block Ctrl-C; a command may want to handle it.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
        ).returncode


@contextmanager
def _guarded_group() -> Iterator[int]:
    """Make a process group that is killed if this process dies inside the block.

    The kernel can kill a shell when its parent dies, but not the processes that the shell starts.
    """
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as kept_open:
        with os.fdopen(reading) as guarded:
            # The shell ends at once, so that its guard is not our child: Ray may kill the
            # children of a worker before the worker.
            shell = subprocess.Popen(["/bin/sh", "-c", GUARD], stdin=guarded, process_group=0)
            shell.wait()
        yield shell.pid
        with suppress(BrokenPipeError):
            kept_open.write(b"\n")


def _reason(step: Step, task: Task, code: int) -> str:
    """Return why a command failed: the last line of its log, or else its exit code."""
    end = Path(task.log).read_text(encoding="utf-8", errors="replace")[-10_000:].strip()
    if not end:
        command = " ".join(step.arguments) if step.entry else step.arguments[-1]
        is_full = shutil.disk_usage(task.log).free < ROOM
        why = f" ({task.log}: No space left on device)" if is_full else ""
        return f"{command}: exit code {code}{why}"
    line = end.splitlines()[-1].strip()
    return line.removeprefix(f"{step.arguments[0]}: ") if step.entry else line
