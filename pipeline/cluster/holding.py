"""DVC's rwlock: who works on which files, by process and command."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
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

    _replace_whole()
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


@cache
def _replace_whole() -> None:
    """Have DVC replace its rwlock as a whole, in this process.

    DVC writes into the file itself: a process killed meanwhile leaves it empty, and then every
    DVC command is refused.
    """
    from dvc import rwlock

    usual = rwlock._edit_rwlock

    def edit(folder: str, fs: Any, hardlink: bool) -> Any:  # noqa: ANN401
        return usual(folder, _Whole(fs), hardlink)

    rwlock._edit_rwlock = edit


class _Whole:
    """What the rwlock needs of a file system; a written file takes its place when it is whole."""

    def __init__(self, fs: Any) -> None:  # noqa: ANN401
        self._fs = fs

    def join(self, *parts: str) -> Any:  # noqa: ANN401
        return self._fs.join(*parts)

    @contextmanager
    def open(self, path: str, mode: str = "r", *, encoding: str) -> Iterator[Any]:
        place = Path(f"{path}.new") if mode == "w" else Path(path)
        with place.open(mode, encoding=encoding) as file:
            yield file
        if mode == "w":
            place.replace(path)
