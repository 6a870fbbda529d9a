"""Detects edits of the code that a process has imported."""

import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

# Folders of installed packages, which nobody edits during a run.
INSTALLED = tuple({str(Path(prefix).resolve() / "lib") for prefix in (sys.prefix, sys.base_prefix)})


class ImportedCode:
    """The project's imported files, each with its time and size when it was read.

    Without this check a worker would go on with the code from before an edit, and DVC would keep
    the results as those of the edited code.
    """

    def __init__(self) -> None:
        """Record the files of the modules imported so far, and of every later import."""
        self._known: dict[str, tuple[float, int] | None] = {}
        for module in list(sys.modules.values()):
            if path := getattr(module, "__file__", None):
                self._record(path, _stamp(path))
        original = SourceFileLoader.path_stats

        def path_stats(loader: SourceFileLoader, path: str) -> Any:  # noqa: ANN401
            stats = original(loader, path)
            self._record(path, (stats["mtime"], stats["size"]))
            return stats

        # The importer calls this right before it reads a file, so no edit is missed.
        SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign, assignment]

    def outdated(self) -> bool:
        """Return whether a file has changed since it was imported."""
        return any(_stamp(path) != stamp for path, stamp in self._known.items())

    def _record(self, path: str, stamp: tuple[float, int] | None) -> None:
        if not path.startswith(INSTALLED):
            self._known[path] = stamp


def _stamp(path: str) -> tuple[float, int] | None:
    try:
        stats = Path(path).stat()
    except OSError:
        return None
    return stats.st_mtime, stats.st_size
