"""What goes through a DVC remote: files by their hash, and entries of the run-cache.

`dvc push --run-cache` and `dvc pull --run-cache` compare and copy all runs there are; with a cell
goes its own alone. Written against DVC 3.67: `dvc.stage.cache.StageCache`.
"""

from collections.abc import Iterable
from typing import Any

from pipeline.errors import InputError, RunError


def check_remote(repo: Any, remote: str) -> None:  # noqa: ANN401
    """Check that cells can travel through a remote.

    Args:
        repo: DVC's.
        remote: its name.

    Raises:
        InputError: it is unknown, keeps files by version instead of by hash, or lacks its plugin.
    """
    from dvc.exceptions import DvcException
    from dvc_objects.fs.errors import RemoteMissingDepsError

    known = sorted(repo.config["remote"])
    if remote not in known:
        names = ", ".join(known) or "none"
        raise InputError(f"--remote: expected a remote of .dvc/config ({names}), found {remote}")
    try:
        repo.cloud.get_remote_odb(remote, "mpt repro --remote")
    except (DvcException, RemoteMissingDepsError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--remote {remote}: expected one that works ({reason})") from None


def push(repo: Any, hashes: Iterable[Any], *, remote: str) -> None:  # noqa: ANN401
    """Send files of the cache to a remote, but for those that it has.

    Raises:
        RunError: some did not arrive.
    """
    failed = repo.cloud.push(hashes, remote=remote).failed
    if failed:
        raise RunError(f"remote {remote}: {len(failed)} files could not be pushed")


def pull(repo: Any, hashes: Iterable[Any], *, remote: str) -> None:  # noqa: ANN401
    """Get files from a remote into the cache, but for those that it has.

    Raises:
        RunError: some did not arrive.
    """
    failed = repo.cloud.pull(hashes, remote=remote).failed
    if failed:
        raise RunError(f"remote {remote}: {len(failed)} files could not be pulled")


def hashes(stage: Any, *, remote: str) -> set[Any]:  # noqa: ANN401
    """Return those of a stage's outs; what a folder holds is asked of the remote where needed."""
    return set().union(*stage.get_used_objs(remote=remote).values())


def check_out(repo: Any, entry: Any, *, folder: str, remote: str) -> bool:  # noqa: ANN401
    """Put the outs of a run into the repository, from the cache or else from a remote.

    Args:
        repo: DVC's.
        entry: of the run, as in dvc.lock.
        folder: from which its paths go.
        remote: where the files may be.

    Returns:
        Whether they were there.
    """
    kept = repo.stage_cache._create_stage(entry, wdir=folder)
    if not kept.outs_cached():
        pull(repo, hashes(kept, remote=remote), remote=remote)
    if not kept.outs_cached():
        return False
    kept.checkout(force=True)
    return True


def push_run(repo: Any, stage: Any, *, remote: str) -> None:  # noqa: ANN401
    """Send a saved stage's newest entry of the run-cache, for whoever comes with the same deps."""
    _copy_runs(repo, stage, remote=remote, there=True)


def pull_run(repo: Any, stage: Any, *, remote: str) -> None:  # noqa: ANN401
    """Get the entries of the run-cache for a stage's deps as they are now."""
    _copy_runs(repo, stage, remote=remote, there=False)


def _copy_runs(repo: Any, stage: Any, *, remote: str, there: bool) -> None:  # noqa: ANN401
    from dvc.fs import HTTPFileSystem
    from dvc.stage.cache import _can_hash, _get_stage_hash

    ours = repo.cache.legacy
    theirs = repo.cloud.get_remote_odb(remote, "run-cache", hash_name="md5-dos2unix")
    # As in DVC: HTTP servers cannot say what they have.
    if isinstance(theirs.fs, HTTPFileSystem) or not _can_hash(stage):
        return
    source, sink = (ours, theirs) if there else (theirs, ours)
    key = _get_stage_hash(stage)
    folder = source.fs.join(source.path, "runs", key[:2], key)
    if not source.fs.exists(folder):
        return
    for path in source.fs.find(folder):
        target = sink.fs.join(sink.path, "runs", key[:2], key, source.fs.name(path))
        if not sink.fs.exists(target):
            _copy(source.fs, path, sink.fs, target)


def _copy(source: Any, path: str, sink: Any, target: str) -> None:  # noqa: ANN401
    from dvc.fs import generic

    generic.copy(source, path, sink, target)
