"""A DVC repository, opened, and a stage of it, saved."""

import logging
import os
from pathlib import Path
from typing import Any

from pipeline.cluster.patches import patch
from pipeline.errors import InputError


def open_repository(folder: Path) -> Any:  # noqa: ANN401
    """Return DVC's repository of a folder, with a lock for which one waits.

    Args:
        folder: in it.

    Raises:
        InputError: there is none.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.lock import make_lock
    from dvc.repo import Repo

    patch()
    # What is worth saying is told to the watcher; the terminal belongs to stages/.
    logging.getLogger("dvc").setLevel(logging.CRITICAL)
    try:
        repo = Repo(str(folder))
    except NotDvcRepoError:
        raise InputError(f"{folder}: expected a DVC repository, found none") from None
    repo.lock = make_lock(
        os.path.join(repo.tmp_dir, "lock"),  # noqa: PTH118
        tmp_dir=repo.tmp_dir,
        hardlink_lock=repo.config["core"].get("hardlink_lock", False),
        wait=True,
    )
    return repo


def save(repo: Any, stage: Any) -> None:  # noqa: ANN401
    """Do what `Stage.run` does once the command has ended; the deps are saved already.

    Args:
        repo: DVC's.
        stage: DVC's.
    """
    stage.save_outs()
    stage.md5 = stage.compute_md5()
    stage.commit()
    elsewhere = (o for o in stage.outs if not (o.use_cache or o.is_metric or o.is_plot))
    if not any(elsewhere):
        repo.stage_cache.save(stage)
