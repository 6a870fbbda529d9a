"""Whether the files of a source are what they should be."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.errors import InputError
from pipeline.files import sha256

POINTER = b"version https://git-lfs.github.com/spec/"


def matching(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Return the files in a folder that match a pattern, each once, sorted."""
    yield from sorted({path for one in patterns for path in folder.glob(one) if path.is_file()})


def refuse_pointers(paths: Iterable[Path], *, place: str) -> None:
    """Raise an InputError if a file is a pointer of Git LFS: its content was never fetched."""
    for path in paths:
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise InputError(
                    f"{place}: {path}: expected the file, found a pointer of Git LFS to it "
                    f"(git lfs pull fetches the file)"
                )


def damaged(paths: Iterable[Path]) -> list[Path]:
    """Return the files of the Hub's cache whose content is not what the Hub sent.

    The cache names a file by its hash: SHA-256 if it is large, else the SHA-1 of git.
    """
    return [path for path in paths if path.is_symlink() and not _is_sound(path.resolve())]


def _is_sound(blob: Path) -> bool:
    if re.fullmatch("[0-9a-f]{64}", blob.name):
        return sha256(blob) == blob.name
    if re.fullmatch("[0-9a-f]{40}", blob.name):
        content = blob.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == blob.name
    return True
