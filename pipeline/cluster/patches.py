"""What is changed of DVC in this process: where it is too fragile, or slow, for many cells."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

_Stamp: TypeAlias = tuple[int, int, int]


@cache
def patch() -> None:
    """Change DVC, once."""
    _replace_rwlock_whole()
    _read_parameters_once()


def _replace_rwlock_whole() -> None:
    """Have DVC replace its rwlock as a whole.

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


def _read_parameters_once() -> None:
    """Have DVC read parameters when their file has changed, not seven times for each stage."""
    from dvc.dependency import param
    from dvc.fs import LocalFileSystem

    usual_load, usual_read = param.load_path, param.read_param_file

    @cache
    def load(path: str, stamp: _Stamp) -> Any:  # noqa: ANN401
        del stamp  # tells when what was found is still good
        return usual_load(path, LocalFileSystem())

    @cache
    def read(path: str, stamp: _Stamp, names: tuple[str, ...], flatten: bool) -> Any:  # noqa: ANN401
        del stamp  # as above
        return usual_read(LocalFileSystem(), path, list(names), flatten)

    def load_path(path: str, fs: Any, **options: Any) -> Any:  # noqa: ANN401
        if options or not isinstance(fs, LocalFileSystem):
            return usual_load(path, fs, **options)
        return load(path, _stamp(path))

    # To look a name up, DVC compares it with that of each value in the file.
    def read_param_file(
        fs: Any,  # noqa: ANN401
        path: str,
        key_paths: list[str] | None = None,
        flatten: bool = False,
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        if options or not isinstance(fs, LocalFileSystem):
            return usual_read(fs, path, key_paths, flatten, **options)
        # A copy: what two stages shared, dvc.lock would have once, and a reference to it.
        return deepcopy(read(path, _stamp(path), tuple(key_paths or ()), flatten))

    param.load_path, param.read_param_file = load_path, read_param_file


def _stamp(path: str) -> _Stamp:
    found = Path(path).stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
