"""Whether the code that this process has imported is still what its files hold."""

import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

INSTALLED = tuple({str(Path(one).resolve() / "lib") for one in (sys.prefix, sys.base_prefix)})
"""Where packages lie that nobody edits during a run."""


class ImportedCode:
    """The project's files that this process imports, each with its state when it was read.

    A warm worker would otherwise go on with code from before an edit, and its results would be
    kept as those of the edited files.
    """

    def __init__(self) -> None:
        """Take down the files of today's modules, and from now on those of every import."""
        self._known: dict[str, tuple[float, int]] = {}
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if path and (state := _state(path)):
                self._note(path, state)
        usual = SourceFileLoader.path_stats

        def path_stats(loader: SourceFileLoader, path: str) -> Any:  # noqa: ANN401
            found = usual(loader, path)
            self._note(path, (found["mtime"], found["size"]))
            return found

        # The importer looks at a file here right before it reads it: no edit goes by unseen.
        SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign, assignment]

    def outdated(self) -> bool:
        """Return whether a file is another than when it was imported."""
        return any(_state(path) != state for path, state in self._known.items())

    def _note(self, path: str, state: tuple[float, int]) -> None:
        if not path.startswith(INSTALLED):
            self._known[path] = state


def _state(path: str) -> tuple[float, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime, found.st_size
