"""How files are read and written: whole or not at all, by name in every error, and noted.

A stage's command compares what it has noted here with what it finds at its end (stages/guard.py).
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pipeline.errors import InputError, RunError

UNFINISHED = ".unfinished."
"""How the names of all temporaries begin; .gitignore and .dvcignore have them."""

SCRATCH = Path("data")
"""Where the temporaries of a stage are that belong beside no file; TMPDIR would keep them."""

Stamp = tuple[int, int, int]
"""Size, time of change and inode of a file."""

READ: dict[Path, Stamp | None] = {}
"""Every file that the command has read, as it was when it was first read."""

WRITTEN: list[Path] = []
"""Every file that the command has written."""


def stamp(path: Path) -> Stamp | None:
    """Return what changes with the content of a file, or None if there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def note(paths: Iterable[Path]) -> None:
    """Note files that are about to be read, apart from our own temporaries."""
    for path in paths:
        if not any(part.startswith(UNFINISHED) for part in path.parts):
            READ.setdefault(path.absolute(), stamp(path))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def reading(
    path: Path, kind: str, *, expected: str = "the output of an earlier stage", hint: str = ""
) -> Iterator[None]:
    """Note that a file is read within the block, and turn any failure to do so into one line.

    Args:
        path: the file.
        kind: what it should hold, "a Parquet file".
        expected: what should be at this place.
        hint: how to make it, if it cannot be opened.

    Raises:
        InputError: there is no file, it cannot be opened, or the block raised an exception.
    """
    note([path])
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path}: expected {expected}, found {_found(error)}{hint}") from None
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # parsers of damaged files raise many kinds
        of_disk = isinstance(error, OSError) and bool(error.errno)
        found = _found(error) if of_disk else "a damaged one"
        raise InputError(f"{path}: expected {kind}, found {found}") from error


@contextmanager
def refusing(place: str, *, expected: str) -> Iterator[None]:
    """Turn what a library raises within the block, of any kind, into an InputError of one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{place}: expected {expected}, found {type(error).__name__}: {reason}"
        ) from error


def _found(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder"
    return f"one that cannot be read ({getattr(error, 'strerror', error)})"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and move the file to `path` when the block ends without an error.

    A block that fails leaves neither file behind, and an older `path` as it was.

    Raises:
        RunError: the file cannot be written: the disk is full, or may not be written to.
    """
    with writing(path), unfinished(path.parent) as scratch:
        draft = scratch / path.name
        yield draft
        draft.replace(path)
        note_written(path)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder, which takes the place of `path` when the block ends without an error.

    A block that fails leaves nothing behind, and an older `path` as it was.

    Raises:
        RunError: the folder cannot be written: the disk is full, or may not be written to.
    """
    with writing(path), unfinished(path.parent) as scratch:
        draft = scratch / "new"
        draft.mkdir()
        yield draft
        if path.exists():
            path.rename(scratch / "old")
        draft.rename(path)
        note_written(path)


def keep_only(paths: Iterable[Path], folder: Path) -> None:
    """Remove everything else from a folder, apart from temporaries.

    Raises:
        RunError: something cannot be removed.
    """
    kept = set(paths)
    with writing(folder):
        for path in folder.iterdir():
            if path not in kept and not path.name.startswith(UNFINISHED):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_text(text: str, path: Path) -> None:
    """Write text in UTF-8; raises as `atomic`."""
    with atomic(path) as draft:
        draft.write_text(text, encoding="utf-8")


def note_written(path: Path) -> None:
    """Note a file that is in its place now."""
    WRITTEN.append(path.absolute())
    READ.pop(path.absolute(), None)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the disk into a RunError that names what was to be written."""
    try:
        yield
    except OSError as error:
        # pyarrow puts the system's words at the end of its own.
        reason = error.strerror or str(error).rpartition("] ")[2]
        raise RunError(f"{path}: cannot be written: {reason}") from error


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Make a temporary folder in a folder, and remove it at the end of the block.

    Those that killed processes left there are removed too. A process locks its own while it
    lives, which holds between machines as well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with _locked(folder):  # so that nobody finds a new one before it is locked
            for other in folder.glob(f"{UNFINISHED}*"):
                _remove_if_abandoned(other)
            mine = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
            stack.enter_context(_locked(mine))
            stack.callback(shutil.rmtree, mine, ignore_errors=True)
        yield mine


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # A file system without locks also keeps others from removing the folder.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
