"""What a killed DVC command can leave behind: files of its own that are empty or cut short.

DVC writes dvc.lock and its rwlock in place, and refuses every later command if it cannot read them.
"""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import RunError


def require_whole_rwlock(repo: Any) -> None:  # noqa: ANN401
    """Raise a RunError if nothing can read DVC's rwlock; `repo` is DVC's repository."""
    if path := _damaged_rwlock(repo):
        raise _damage(path, "rm .dvc/tmp/rwlock")


def require_whole_lock(repo: Any) -> None:  # noqa: ANN401
    """Raise a RunError if dvc.lock is damaged."""
    if path := _damaged_lock(repo):
        restored = "git checkout dvc.lock; or rm dvc.lock, and results come back from DVC's cache"
        raise _damage(path, restored)


def heal(repo: Any) -> list[Path]:  # noqa: ANN401
    """Remove the damaged files, and return them.

    Without dvc.lock, DVC looks every stage up in its run-cache. The lock that git holds may be from
    another machine, with which DVC would train cells again whose results are here.
    """
    damaged = [path for path in (_damaged_rwlock(repo), _damaged_lock(repo)) if path]
    for path in damaged:
        path.unlink()
    return damaged


def _damage(path: Path, remedy: str) -> RunError:
    return RunError(
        f"{path}: expected a file of DVC, found a damaged one, as a killed DVC command leaves it "
        f"(if no other command runs: {remedy}; or mpt repro --heal)"
    )


def _damaged_rwlock(repo: Any) -> Path | None:  # noqa: ANN401
    path = Path(repo.tmp_dir, "rwlock")
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return path
    return None


def _damaged_lock(repo: Any) -> Path | None:  # noqa: ANN401
    from dvc.dvcfile import LOCK_FILE, Lockfile
    from dvc.exceptions import DvcException

    path = Path(repo.root_dir, LOCK_FILE)
    try:
        if path.exists():
            Lockfile(repo, str(path)).load()
    except DvcException:
        return path
    return None
