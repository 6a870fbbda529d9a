"""DVC's record of locked files: who works on which files, by process and command."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import RunError


class BusyError(Exception):
    """Another process works on a stage; the message names the process."""


def hold(repo: Any, name: str, *, read: Sequence[str] = (), write: Sequence[str] = ()) -> ExitStack:  # noqa: ANN401
    """Lock files that this process reads or writes, until the result is closed.

    Args:
        repo: DVC's.
        name: shown to processes that are refused.
        read: files that others may read.
        write: files that others may neither read nor write.

    Raises:
        BusyError: another process has locked one of them.
        RunError: DVC's record of locked files is unreadable.
    """
    from dvc.rwlock import RWLockFileCorruptedError, rwlock

    held = ExitStack()
    hardlink = repo.config["core"].get("hardlink_lock", False)
    lock = rwlock(repo.tmp_dir, repo.fs, name, list(read), list(write), hardlink)
    try:
        with busy():
            held.enter_context(lock)
    except RWLockFileCorruptedError:
        raise RunError(
            f"{Path(repo.tmp_dir) / 'rwlock'}: expected DVC's locks, found an unreadable file "
            "(a killed DVC command leaves one: remove it if no other command runs)"
        ) from None
    return held


@contextmanager
def busy() -> Iterator[None]:
    """Turn DVC's refusal into a BusyError that names the other process and its command."""
    from dvc.lock import LockError

    try:
        yield
    except LockError as error:
        holder = re.search(r"\(PID .*", str(error))
        raise BusyError(holder[0] if holder else str(error)) from None


def command() -> str:
    """Return the command line of this process."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
