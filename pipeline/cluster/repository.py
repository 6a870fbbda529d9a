"""A DVC repository and its locks: who works on which files, by process and command."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pipeline.cluster.patches import patch
from pipeline.errors import InputError, RunError


class BusyError(Exception):
    """Another process works on a stage; the message names the process."""


def open_repository(folder: Path) -> Any:  # noqa: ANN401
    """Return DVC's repository of a folder. Its lock waits, where DVC's own commands give up.

    Raises:
        InputError: the folder is in no repository.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.lock import make_lock
    from dvc.repo import Repo

    patch()
    # Only stages/ writes to the terminal.
    logging.getLogger("dvc").setLevel(logging.CRITICAL)
    try:
        repo = Repo(str(folder))
    except NotDvcRepoError:
        raise InputError(f"{folder}: expected a DVC repository, found none") from None
    repo.lock = make_lock(
        os.path.join(repo.tmp_dir, "lock"),  # noqa: PTH118
        tmp_dir=repo.tmp_dir,
        hardlink_lock=repo.config["core"].get("hardlink_lock", False),
        wait=True,
    )
    return repo


@contextmanager
def hold(
    repo: Any,  # noqa: ANN401
    name: str,
    *,
    read: Sequence[str] = (),
    write: Sequence[str] = (),
) -> Iterator[None]:
    """Keep other processes from writing some files, and from reading or writing others.

    Args:
        repo: DVC's.
        name: shown to processes that are refused.
        read: files that this process reads.
        write: files that this process writes.

    Raises:
        BusyError: another process has locked one of them.
        RunError: DVC's record of locked files is unreadable.
    """
    from dvc.rwlock import RWLockFileCorruptedError, rwlock

    hardlink = repo.config["core"].get("hardlink_lock", False)
    lock = rwlock(repo.tmp_dir, repo.fs, name, list(read), list(write), hardlink)
    with ExitStack() as stack:
        try:
            with busy():
                stack.enter_context(lock)
        except RWLockFileCorruptedError:
            raise RunError(
                f"{Path(repo.tmp_dir) / 'rwlock'}: expected DVC's locks, found an unreadable file "
                "(a killed DVC command leaves one: remove it if no other command runs)"
            ) from None
        yield


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
