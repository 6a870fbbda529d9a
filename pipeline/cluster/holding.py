"""DVC's rwlock: who works on which files, by process and command."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import RunError


class BusyError(Exception):
    """Another process works on a stage; the text says which."""


@contextmanager
def hold(
    repo: Any,  # noqa: ANN401
    name: str,
    *,
    read: Sequence[str] = (),
    write: Sequence[str] = (),
) -> Iterator[None]:
    """Hold files, so that others are refused.

    Args:
        repo: DVC's.
        name: of the holder, which the refused are told.
        read: files that nobody may write meanwhile.
        write: files that nobody may read meanwhile.

    Raises:
        BusyError: another holds one of them.
        RunError: DVC's file of who holds what cannot be read.
    """
    from dvc.rwlock import RWLockFileCorruptedError, rwlock

    hardlink = repo.config["core"].get("hardlink_lock", False)
    with ExitStack() as stack:
        with busy():
            lock = rwlock(repo.tmp_dir, repo.fs, name, list(read), list(write), hardlink)
            try:
                stack.enter_context(lock)
            except RWLockFileCorruptedError:
                raise RunError(
                    f"{Path(repo.tmp_dir) / 'rwlock'}: expected who works on which files, found "
                    "what a killed DVC command leaves (remove it when no other runs)"
                ) from None
        yield


def holder() -> str:
    """Return the command of this process."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


@contextmanager
def busy() -> Iterator[None]:
    """Turn DVC's refusal into a BusyError with the holder's process and command."""
    from dvc.lock import LockError

    try:
        yield
    except LockError as error:
        found = re.search(r"\(PID .*", str(error))
        raise BusyError(found[0] if found else str(error)) from None
