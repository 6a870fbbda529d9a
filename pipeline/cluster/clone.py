"""The worker's side of a cluster without a shared folder: a cell in a clone of the repository."""

import os
import socket
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.cluster.cells import Outcome, Parcel
from pipeline.cluster.repository import open_repository, save
from pipeline.cluster.shared import cell_of
from pipeline.cluster.transfer import check_out, hashes, push, push_run
from pipeline.cluster.worker import Worker
from pipeline.errors import InputError, RunError

CLONE = "MPT_CLONE"
"""The variable of a node that says where its clone is."""

MARK = "mpt-repro-driver"
"""The file beside DVC's lock by which a driver's own folder is known."""

LONGEST = 2**20
"""Characters of a log that go to the driver, the last ones."""


class CloneWorker:
    """Runs cells in the node's clone, which the workers of a node share.

    Commands run as processes: the code is the clone's, and this process imported it before.
    """

    def __init__(self, *, threads: int | None) -> None:
        """Make ready.

        Args:
            threads: for commands in this process, of which there are none.
        """
        del threads
        # OMP_NUM_THREADS stays what the node or Ray says: for processes it is all there is.
        self._worker = Worker(threads=None)

    def ready(self) -> int:
        """Return the number of this process, once it is there."""
        return os.getpid()

    def run(self, parcel: Parcel) -> Outcome:
        """Run a stage, and send what it makes to the remote."""
        folder = Path(os.environ.get(CLONE) or parcel.folder).absolute()
        try:
            return self._run(parcel, folder)
        except Exception as error:  # of DVC, or whatever a remote's client raises
            reason = " ".join(str(error).split()) or type(error).__name__
            return Outcome(f"{socket.gethostname()}:{folder}: {reason}")

    def _run(self, parcel: Parcel, folder: Path) -> Outcome:
        if not (folder / ".dvc").is_dir():
            raise InputError(f"expected a clone of the repository ({CLONE} says where), found none")
        repo = open_repository(folder)
        try:
            if mark_of(repo) == parcel.mark:
                # Here the driver itself looks after the outs.
                stage = repo.stage.load_one(str(folder / parcel.pipeline), parcel.stage)
                return self._worker.run(cell_of(repo, parcel.name, stage, entries={}))
            return self._run_in_clone(parcel, repo)
        finally:
            repo.close()

    def _run_in_clone(self, parcel: Parcel, repo: Any) -> Outcome:  # noqa: ANN401
        from dvc.stage.cache import RunCacheNotFoundError

        outcome = Outcome()
        # DVC asks where it is when it makes a stage of an entry; the worker takes its folder back.
        with chdir(repo.root_dir), repo.lock:
            stage = prepared(parcel, repo)
            try:
                repo.stage_cache.restore(stage)
                ran = False
            except RunCacheNotFoundError:
                stage.remove_outs()
                ran = True
        if ran:
            cell = cell_of(repo, parcel.name, stage, entries={})
            # Whatever the environment has installed: the code that was compared is the clone's.
            path = os.pathsep.join(filter(None, [repo.root_dir, os.environ.get("PYTHONPATH")]))
            cell = replace(cell, environment=(*cell.environment, ("PYTHONPATH", path)))
            outcome = self._worker.run(cell)
            outcome = replace(outcome, log=_end_of(Path(cell.log)))
            if outcome.reason:
                return outcome
        with chdir(repo.root_dir), repo.lock:
            if other := _differing(wanted(stage), parcel.wanted):
                raise RunError(f"{', '.join(other)} changed while it ran: not saved")
            save(repo, stage)
        with chdir(repo.root_dir):  # not locked: the other cells of the node need not wait
            return replace(outcome, made=_sent(stage, repo, remote=parcel.remote))


def prepared(parcel: Parcel, repo: Any) -> Any:  # noqa: ANN401
    """Make a clone what the driver's folder is, as far as a stage sees it; return the stage.

    Args:
        parcel: of the stage.
        repo: DVC's, of the clone, locked.

    Raises:
        InputError: the clone knows no such remote.
        RunError: a dep is another than the driver's.
    """
    from dvc_data.hashfile.hash_info import HashInfo

    if parcel.remote not in repo.config["remote"]:
        raise InputError(f"expected remote {parcel.remote} in .dvc/config, found none of that name")
    root = Path(repo.root_dir)
    for place, text in parcel.texts.items():
        _write(root / place, text)
    stage = repo.stage.load_one(str(root / parcel.pipeline), parcel.stage)
    # The dvc.lock of a clone is that of some commit: only the run-cache is asked for outs.
    for out in stage.outs:
        out.hash_info = HashInfo()
    if _differing(wanted(stage), parcel.wanted):
        missing = not _fetch(parcel, stage, repo)
        _tidy(parcel, stage, repo)
        if other := _differing(wanted(stage), parcel.wanted):
            at = f" (commit {ours})" if (ours := commit(repo)) else ""
            theirs = f" (commit {parcel.commit})" if parcel.commit else ""
            lost = f"; remote {parcel.remote} lacks some" if missing else ""
            raise RunError(
                f"expected the driver's files{theirs}, found other {', '.join(other)}{at}{lost}"
            )
    return stage


def wanted(stage: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what the result of a stage depends on: its command, hashes, parameters."""
    stage.save_deps(allow_missing=True)
    found: dict[str, Any] = {"its command": stage.cmd}
    for dep in stage.deps:
        found[dep.def_path] = dep.hash_info.value if dep.exists else None
    return found


def commit(repo: Any) -> str:  # noqa: ANN401
    """Return the commit of a folder, in short; nothing without git."""
    from scmrepo.exceptions import SCMError

    try:
        return str(repo.scm.get_rev())[:7]
    except (SCMError, AttributeError):
        return ""


def mark_of(repo: Any) -> str:  # noqa: ANN401
    """Return what tells a driver's folder from all clones and copies of it."""
    path = Path(repo.tmp_dir, MARK)
    return f"{path.read_text()} {path.stat().st_ino}" if path.exists() else ""


def _differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    return [name for name in {**expected, **found} if found.get(name) != expected.get(name)]


def _fetch(parcel: Parcel, stage: Any, repo: Any) -> bool:  # noqa: ANN401
    """Get the deps that other stages make; return whether they were there."""
    outs = [{"path": place, "hash": "md5", "md5": md5} for place, md5 in parcel.files.items()]
    if not outs:
        return True
    return check_out(
        repo, {"cmd": stage.cmd, "outs": outs}, folder=repo.root_dir, remote=parcel.remote
    )


def _tidy(parcel: Parcel, stage: Any, repo: Any) -> None:  # noqa: ANN401
    """Remove what earlier runs left in folders that a stage depends on whole."""
    from dvc_data.hashfile.tree import Tree

    stage.save_deps(allow_missing=True)
    root = Path(repo.root_dir)
    for dep in stage.deps:
        path = Path(dep.fs_path)
        if not path.is_relative_to(root) or not isinstance(dep.obj, Tree):
            continue
        if path.relative_to(root).as_posix() not in parcel.folders:
            continue
        for key, _, _ in dep.obj:
            file = path.joinpath(*key)
            place = file.relative_to(root).as_posix()
            if place not in parcel.files and not repo.scm.is_tracked(str(file)):
                file.unlink()


def _sent(stage: Any, repo: Any, *, remote: str) -> Any:  # noqa: ANN401
    """Push the outs of a saved stage and its run; return its entry of dvc.lock."""
    from dvc.stage.serialize import to_single_stage_lockfile

    runs = repo.stage_cache
    entry = to_single_stage_lockfile(stage)
    # Outs that DVC does not keep have no other way to the driver.
    for out in runs._uncached_outs(stage, entry):
        out.commit()
    kept = runs._create_stage(entry, wdir=stage.wdir)
    push(repo, hashes(kept, remote=remote), remote=remote)
    push_run(repo, stage, remote=remote)
    return entry


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-LONGEST:]
