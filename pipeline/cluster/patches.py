"""Changes that the driver makes to DVC, which is too fragile or too slow for many stages."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pipeline.files import atomic


@cache
def patch() -> None:
    """Change DVC in this process, once."""
    _replace_files_atomically()
    _read_parameters_once()


def _replace_files_atomically() -> None:
    """Make DVC replace dvc.lock and its rwlock file in one step.

    DVC writes into these files. If it is killed meanwhile, half of dvc.lock is lost, or DVC refuses
    every later command because of an empty rwlock.
    """
    from dvc import dvcfile, rwlock

    edit, modify = rwlock._edit_rwlock, dvcfile.modify_yaml
    rwlock._edit_rwlock = lambda folder, fs, hardlink: edit(folder, _atomic(fs), hardlink)
    dvcfile.modify_yaml = lambda path, fs: modify(path, _atomic(fs))


def _atomic(fs: Any) -> SimpleNamespace:  # noqa: ANN401
    """Return what the two use of a file system; files are replaced when they are complete."""

    @contextmanager
    def atomic_open(path: str, mode: str = "r", *, encoding: str) -> Iterator[Any]:
        draft = nullcontext(path) if mode == "r" else atomic(Path(path))
        with draft as place, fs.open(str(place), mode, encoding=encoding) as file:
            yield file

    return SimpleNamespace(join=fs.join, exists=fs.exists, open=atomic_open)


def _read_parameters_once() -> None:
    """Make DVC parse a file of parameters once per change, not seven times per stage."""
    from dvc.dependency import param

    load_path, read_param_file = param.load_path, param.read_param_file

    # A changed file has another stamp, and with it another entry in these caches.
    @cache
    def load(fs: Any, path: str, stamp: object) -> Any:  # noqa: ANN401, ARG001
        return load_path(path, fs)

    # DVC looks a name up by comparing it with the name of every value in the file.
    @cache
    def read(fs: Any, path: str, stamp: object, names: tuple[str, ...], flatten: bool) -> Any:  # noqa: ANN401, ARG001
        return read_param_file(fs, path, list(names), flatten)

    # A copy, because dvc.lock would write values shared by two stages as a YAML reference.
    def read_once(fs: Any, path: str, names: list[str] | None, flatten: bool = False) -> Any:  # noqa: ANN401
        return deepcopy(read(fs, path, _stamp(fs, path), tuple(names or ()), flatten))

    param.load_path = lambda path, fs: load(fs, path, _stamp(fs, path))
    param.read_param_file = read_once


def _stamp(fs: Any, path: str) -> tuple[Any, ...]:  # noqa: ANN401
    facts = fs.info(path)
    return tuple(facts.get(key) for key in ("mtime", "size", "ino"))
