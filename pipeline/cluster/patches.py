"""Changes that the driver makes to DVC, which is too fragile or too slow for many stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

_Stamp: TypeAlias = tuple[int, int, int]


@cache
def patch() -> None:
    """Change DVC in this process, once."""
    _replace_rwlock_atomically()
    _read_parameters_once()


def _replace_rwlock_atomically() -> None:
    """Make DVC replace its rwlock file in one step.

    DVC writes into the file. A process killed meanwhile leaves it empty, and from then on every
    DVC command is refused.
    """
    from dvc import rwlock

    original = rwlock._edit_rwlock
    rwlock._edit_rwlock = lambda folder, fs, hardlink: original(folder, _Atomic(fs), hardlink)


class _Atomic:
    """The part of a file system that DVC's rwlock uses; written files are replaced when done."""

    def __init__(self, fs: Any) -> None:  # noqa: ANN401
        self.join = fs.join

    @contextmanager
    def open(self, path: str, mode: str = "r", *, encoding: str) -> Iterator[Any]:
        target = Path(f"{path}.new") if mode == "w" else Path(path)
        with target.open(mode, encoding=encoding) as file:
            yield file
        if mode == "w":
            target.replace(path)


def _read_parameters_once() -> None:
    """Make DVC parse a file of parameters once per change, not seven times per stage."""
    from dvc.dependency import param
    from dvc.fs import LocalFileSystem

    load_path, read_param_file = param.load_path, param.read_param_file

    # A changed file has another stamp, and with it another entry in these caches.
    @cache
    def load(path: str, stamp: _Stamp) -> Any:  # noqa: ANN401, ARG001
        return load_path(path, LocalFileSystem())

    @cache
    def read(path: str, stamp: _Stamp, names: tuple[str, ...], flatten: bool) -> Any:  # noqa: ANN401, ARG001
        return read_param_file(LocalFileSystem(), path, list(names), flatten)

    def load_once(path: str, fs: Any) -> Any:  # noqa: ANN401
        local = isinstance(fs, LocalFileSystem)
        return load(path, _stamp(path)) if local else load_path(path, fs)

    # DVC looks a name up by comparing it with the name of every value in the file.
    def read_once(fs: Any, path: str, names: list[str] | None, flatten: bool = False) -> Any:  # noqa: ANN401
        if not isinstance(fs, LocalFileSystem):
            return read_param_file(fs, path, names, flatten)
        # A copy, because dvc.lock would write values shared by two stages as a YAML reference.
        return deepcopy(read(path, _stamp(path), tuple(names or ()), flatten))

    param.load_path, param.read_param_file = load_once, read_once


def _stamp(path: str) -> _Stamp:
    stats = Path(path).stat()
    return stats.st_mtime_ns, stats.st_size, stats.st_ino
