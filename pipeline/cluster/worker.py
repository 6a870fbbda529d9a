"""What runs in a worker's process: one cell after another, each as in a process of its own."""

import fcntl
import gc
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from pipeline.cluster.cells import Call, Cell, Outcome, Shell, last_line
from pipeline.cluster.fresh import Beginning
from pipeline.cluster.stale import ImportedCode

PATIENCE = 60.0
"""Seconds that a cell waits for what is left of an earlier run of itself."""

GUARD = "exec 3<&0; { trap '' TERM; read -r _ <&3 || kill -s KILL 0; } &"
"""Kills its process group once its input has ended without a line. A command may end its own."""

STANDARD = (1, 2)
"""The descriptors of output and errors."""


class Worker:
    """Runs cells. It keeps what they imported, which is what makes the second one quick."""

    def __init__(self, *, threads: int | None) -> None:
        """Make ready.

        Args:
            threads: of a cell on the CPU; none for those that OMP_NUM_THREADS says.
        """
        if threads is None:
            threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        else:
            # Ray has set it, and a command could not tell that from a user's word.
            os.environ.pop("OMP_NUM_THREADS", None)
        # As in stages/cli.py: the collector would look again and again through what imports made.
        gc.set_threshold(200_000, 20, 20)
        self._code = ImportedCode()
        self._beginning = Beginning(threads=threads)

    def ready(self) -> int:
        """Return the number of this process, once it is there."""
        return os.getpid()

    def run(self, cell: Cell) -> Outcome:
        """Run a cell's commands; what they say goes to its log."""
        if any(isinstance(step, Call) for step in cell.steps):
            if self._code.outdated():
                return Outcome(not_begun=True)
            # The first cell's threads must be set as well, and nearly every cell imports it.
            importlib.import_module("torch")
        self._beginning.restore()
        try:
            with _log(Path(cell.log)) as log:
                for step in cell.steps:
                    reason = (
                        _call(step, cell, log)
                        if isinstance(step, Call)
                        else _spawn(step, cell, log)
                    )
                    if reason:
                        return Outcome(reason)
        except OSError as error:
            return Outcome(f"{cell.log}: {error}")
        finally:
            self._beginning.restore()
        return Outcome()


@contextmanager
def _log(path: Path) -> Iterator[int]:
    """Send this process's output to a file, and that of the processes it starts.

    The file is locked for as long as any of them has it open: a command that outlived a worker
    that was killed is seen so, and does not write into the outs of its successor.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    kept = [os.dup(one) for one in STANDARD]
    try:
        _lock(file, path)
        os.ftruncate(file, 0)
        for one in STANDARD:
            os.dup2(file, one)
        yield file
    finally:
        for one, before in zip(STANDARD, kept, strict=True):
            os.dup2(before, one)
            os.close(before)
        os.close(file)


def _lock(file: int, path: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(
                    f"expected no earlier run of this cell, found one that still writes to {path}"
                ) from None
            time.sleep(0.1)
        else:
            return


def _call(step: Call, cell: Cell, log: int) -> str:
    """Run a command in this process; return the reason of its failure."""
    os.environ.update(cell.environment)
    os.chdir(cell.folder)
    sys.argv[:] = step.arguments
    code: object = 0
    with (
        os.fdopen(os.dup(log), "a", encoding="utf-8", buffering=1) as stream,
        redirect_stdout(stream),
        redirect_stderr(stream),
    ):
        try:
            module, _, function = step.entry.partition(":")
            getattr(importlib.import_module(module), function)()
        except SystemExit as end:
            code = end.code
        except Exception as error:
            stream.write(f"{type(error).__name__}: {' '.join(str(error).split())}\n")
            code = 1
    # As the interpreter does when a program ends: none is 0, and what is no number is said.
    if code is None or code == 0:
        return ""
    if not isinstance(code, int):
        return str(code)
    # Whose words they are is plain from the cell.
    said = _said(cell).removeprefix(f"{step.arguments[0]}: ")
    return said or f"{' '.join(step.arguments)}: exit code {code}"


def _spawn(step: Shell, cell: Cell, log: int) -> str:
    """Run a command as a process; return the reason of its failure."""
    with _guarded_group() as group:
        done = subprocess.run(
            step.arguments,
            cwd=cell.folder,
            env=os.environ | dict(cell.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            process_group=group,
            # Ray has workers not hear Ctrl-C; a command may want to hear it.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
        )
    if done.returncode == 0:
        return ""
    return _said(cell) or f"{step.arguments[-1]}: exit code {done.returncode}"


@contextmanager
def _guarded_group() -> Iterator[int]:
    """Give a process group that is killed when this process dies within, however it does.

    Without its worker a command has nobody to save what it makes. Its shell could be told to die
    with its parent, but what the shell has started would go on.
    """
    theirs, ours = os.pipe()
    with os.fdopen(ours, "wb", buffering=0) as held:
        with os.fdopen(theirs) as given:
            # The shell ends at once, so that its guard is no child of ours: Ray may kill those
            # before this process.
            shell = subprocess.Popen(
                ["/bin/sh", "-c", GUARD],
                stdin=given,
                stdout=subprocess.DEVNULL,  # the log's lock is the command's
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
            shell.wait()
        yield shell.pid
        with suppress(BrokenPipeError):
            held.write(b"\n")


def _said(cell: Cell) -> str:
    text = Path(cell.log).read_text(encoding="utf-8", errors="replace")
    return last_line(text[-10_000:].splitlines())
