"""SHA-256 of files. A user's cache remembers them, so that only a changed file is read again."""

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from pipeline.errors import InputError, RunError
from pipeline.files import sha256, write_text

Fingerprint = dict[str, str]
"""The SHA-256 of each file by its path in its folder, or the `commit` of a Hub repository."""

TRIES = 3  # of reading a file that changes meanwhile
YOUNG = 2 * 10**9  # ns: the coarsest clock of a file system (FAT)


class Memory:
    """What files held when they were last read, for all clones of a user.

    A file is read again if its size, its times or its inode changed. A file that changed just
    before it was read is not remembered: the next change could leave the same times.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read the memory, by default that of the user; without a readable one, begin anew."""
        self._path = path or user_cache_path("mpt-xnli") / "hashes.json"
        self._known = self._read()
        self._new: dict[str, list[int | str]] = {}

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 of a file.

        Raises:
            OSError: the file cannot be read.
            RunError: it changes all the time.
        """
        key = os.path.realpath(path)
        for _ in range(TRIES):
            now, before = time.time_ns(), _stamp(path)
            *stamp, known = self._known.get(key, [""])
            if stamp == before:
                return str(known)
            digest = sha256(path)
            if _stamp(path) == before:
                if max(before[1:3]) < now - YOUNG:
                    self._new[key] = [*before, digest]
                return digest
        raise RunError(f"{path}: it changes while it is read; run again when it is complete")

    def save(self) -> None:
        """Remember what was read since the start, besides what others have remembered by now."""
        if self._new:
            kept = {path: entry for path, entry in self._read().items() if Path(path).exists()}
            # Forgetting costs time only.
            with suppress(RunError):
                write_text(json.dumps(kept | self._new), self._path)

    def _read(self) -> dict[str, list[int | str]]:
        try:
            entries = json.loads(self._path.read_bytes())
            sound = all(len(entry) == 5 and len(entry[-1]) == 64 for entry in entries.values())
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
        return entries if sound else {}


def fingerprint(folder: Path, files: Iterable[Path], memory: Memory, *, place: str) -> Fingerprint:
    """Return the fingerprint of files in a folder.

    Raises:
        InputError: a file cannot be read; `place` is that of the folder in params.yaml.
        RunError: a file changes while it is read.
    """
    try:
        return {path.relative_to(folder).as_posix(): memory.sha256(path) for path in sorted(files)}
    except OSError as error:
        raise InputError(
            f"{place}: expected files that can be read, found {error.filename}: {error.strerror}"
        ) from None


def _stamp(path: Path) -> list[int]:
    """Return what changes with a file's content: size, time of change, time of any edit, inode."""
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
