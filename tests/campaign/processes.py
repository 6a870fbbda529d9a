"""Commands in processes of their own, which have their imports ready and may be killed."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["torch", "pandas", "datasets", "stages.cli", __name__])

CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link")
"""What Python tells an audit hook when files change; `open` counts for writing only."""


def run(folder: Path, command: Sequence[str], *, kill_at: int | None = None) -> tuple[int, str]:
    """Run `mpt` in a folder, and kill it right before its change number `kill_at` to a file.

    Return the exit code, -9 after the kill, and what it wrote to stderr.
    """
    with tempfile.NamedTemporaryFile() as said:  # not on the disk of the folder, which may be full
        process = PROCESSES.Process(
            target=_called, args=(folder, list(command), kill_at, Path(said.name))
        )
        process.start()
        process.join()
        return process.exitcode, Path(said.name).read_text(encoding="utf-8")


def _called(folder: Path, command: list[str], kill_at: int | None, said: Path) -> None:
    from stages.cli import main

    os.chdir(folder)
    for descriptor, path in ((1, Path(os.devnull)), (2, said)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    left = [kill_at]

    def look(event: str, arguments: tuple) -> None:
        if left[0] is None or event not in CHANGES:
            return
        if event == "open" and not _writes(*arguments):
            return
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    sys.argv = ["mpt", *command]
    main()


def _writes(path: object, mode: object, flags: object) -> bool:
    del mode
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    return bool(writes) and not str(path).startswith("/dev")
