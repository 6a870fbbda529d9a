"""Detects edits of the code that a process has imported.

Otherwise a process would go on with the code from before an edit, and DVC would keep its results
as those of the edited code.
"""

import hashlib
import sys
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

IMPORTED: dict[str, str] = {}
"""The SHA-256 of each file of the project that this process has imported, by path."""

# Folders of installed packages, which nobody edits during a run.
_INSTALLED = tuple(
    {str(Path(prefix).resolve() / "lib") for prefix in (sys.prefix, sys.base_prefix)}
)


@cache
def watch() -> None:
    """Record the files of the modules imported so far, and of every later import."""
    for module in list(sys.modules.values()):
        if path := getattr(module, "__file__", None):
            _record(path)
    original = SourceFileLoader.path_stats

    def path_stats(loader: SourceFileLoader, path: str) -> Any:  # noqa: ANN401
        _record(path)
        return original(loader, path)

    # The importer calls this right before it reads a file, so no edit is missed.
    SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign, assignment]


def outdated(paths: set[str]) -> list[str]:
    """Return which of these imported files have changed since."""
    return sorted(path for path in paths if _sha256(path) != IMPORTED.get(path))


def _record(path: str) -> None:
    if not path.startswith(_INSTALLED):
        IMPORTED[path] = _sha256(path)


def _sha256(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""
