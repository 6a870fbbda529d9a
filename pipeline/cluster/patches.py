"""What is changed of DVC in this process: where it is too fragile, or slow, for many cells."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any


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
    known: dict[str, tuple[Any, dict[Any, Any]]] = {}

    def found(path: str) -> dict[Any, Any]:
        """Return what has been found in a file as it is now."""
        now = Path(path).stat()
        stamp = now.st_mtime_ns, now.st_size, now.st_ino
        if path not in known or known[path][0] != stamp:
            known[path] = stamp, {}
        return known[path][1]

    def load_path(path: str, fs: Any, **options: Any) -> Any:  # noqa: ANN401
        if options or not isinstance(fs, LocalFileSystem):
            return usual_load(path, fs, **options)
        memory = found(path)
        if None not in memory:
            memory[None] = usual_load(path, fs)
        return memory[None]

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
        memory, wanted = found(path), (tuple(key_paths or ()), flatten)
        if wanted not in memory:
            memory[wanted] = usual_read(fs, path, key_paths, flatten)
        # A copy: what two stages shared, dvc.lock would have once, and a reference to it.
        return deepcopy(memory[wanted])

    param.load_path, param.read_param_file = load_path, read_param_file
