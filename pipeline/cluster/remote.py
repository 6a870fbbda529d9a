"""The driver's side of a cluster without a shared folder: cells travel through a DVC remote."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.cluster.cells import Outcome, Parcel
from pipeline.cluster.clone import MARK, CloneWorker, commit, mark_of, wanted
from pipeline.cluster.transfer import check_out, check_remote, pull_run, push
from pipeline.errors import RunError


class ThroughRemote:
    """Workers run in clones of the repository, which know nothing but its last commit.

    What git does not carry goes with the cell: the texts of the pipeline and its parameters, and
    the hashes of the deps. A clone gets those that are made by other stages from the remote, and
    refuses the cell where the rest (code, say) is another than here.
    """

    worker: type = CloneWorker

    def __init__(self, repo: Any, remote: str) -> None:  # noqa: ANN401
        """Begin with nothing pushed.

        Args:
            repo: DVC's.
            remote: the name of one that all nodes know.

        Raises:
            InputError: there is no such remote.
        """
        check_remote(repo, remote)
        self._repo = repo
        self._remote = remote
        self._pushed: set[str] = set()
        self._outs: set[Path] = set()
        self._above: set[Path] = set()
        mark = Path(repo.tmp_dir, MARK)
        if not mark.exists():
            mark.write_text(uuid.uuid4().hex)

    def restore(self, stage: Any) -> None:  # noqa: ANN401
        """Take the outs of a stage from the run-cache, or from the remote's.

        Raises:
            dvc.stage.cache.RunCacheNotFoundError: neither has them.
        """
        from dvc.stage.cache import RunCacheNotFoundError, _can_hash
        from dvc.stage.serialize import to_single_stage_lockfile

        runs = self._repo.stage_cache
        # Asked first, as in StageCache.restore: once the deps are saved they count as unchanged,
        # and dvc.lock would answer with the outs of other deps.
        outs = all(out.hash_info for out in stage.outs)
        known = _can_hash(stage) and not stage.changed_stage() and stage.deps_cached() and outs
        entry = to_single_stage_lockfile(stage) if known else None
        try:
            runs.restore(stage)
        except RunCacheNotFoundError:
            if not _can_hash(stage):
                raise
            if entry is None:
                stage.save_deps()
                pull_run(self._repo, stage, remote=self._remote)
                entry = runs._load(stage)
            if entry is None or not self._check_out(stage, entry):
                raise

    def pack(self, name: str, stage: Any) -> Parcel:  # noqa: ANN401
        """Return what a clone needs to run a stage, once the remote has the deps.

        Raises:
            RunError: a dep did not get there.
        """
        root = Path(self._repo.root_dir)
        found = [*self._data(stage)]
        self._push({md5 for _, files in found for md5 in files.values()})
        return Parcel(
            name=name,
            folder=str(root),
            pipeline=Path(stage.path).relative_to(root).as_posix(),
            stage=stage.name,
            texts=self._texts(stage),
            wanted=wanted(stage),
            files={
                path.relative_to(root).as_posix(): md5
                for _, files in found
                for path, md5 in files.items()
            },
            folders=tuple(
                dep.relative_to(root).as_posix() for dep, files in found if dep not in files
            ),
            remote=self._remote,
            commit=commit(self._repo),
            mark=mark_of(self._repo),
        )

    def unpack(self, stage: Any, outcome: Outcome) -> None:  # noqa: ANN401
        """Bring a cell's outs from the remote.

        Raises:
            RunError: they are not there.
        """
        # Nothing to bring: a worker of this node ran it in this folder.
        if outcome.made is not None and not self._check_out(stage, outcome.made):
            raise RunError(f"remote {self._remote}: expected the outs of the cell, found not all")

    def _check_out(self, stage: Any, entry: Any) -> bool:  # noqa: ANN401
        return check_out(self._repo, entry, folder=stage.wdir, remote=self._remote)

    def _data(self, stage: Any) -> Iterator[tuple[Path, dict[Path, str]]]:  # noqa: ANN401
        """Return the deps that other stages make, in whole or in part, each with its files."""
        from dvc_data.hashfile.tree import Tree

        if not self._outs:
            self._outs = {Path(out.fs_path) for out in self._repo.index.outs}
            self._above = {folder for out in self._outs for folder in out.parents}
        cache = self._repo.cache.local
        for dep in stage.deps:
            path = Path(dep.fs_path)
            made = bool({path, *path.parents} & self._outs)
            if dep.protocol != "local" or not (made or path in self._above) or dep.obj is None:
                continue
            if isinstance(dep.obj, Tree):
                files = {path.joinpath(*key): str(one.value) for key, _, one in dep.obj}
            else:
                files = {path: str(dep.hash_info.value)}
            # What a stage did not make is git's; or nobody's, and then the clone says so.
            yield path, {one: md5 for one, md5 in files.items() if cache.exists(md5)}

    def _push(self, md5s: set[str]) -> None:
        from dvc_data.hashfile.hash_info import HashInfo

        fresh = md5s - self._pushed
        if fresh:
            push(self._repo, {HashInfo("md5", md5) for md5 in fresh}, remote=self._remote)
            self._pushed |= fresh

    def _texts(self, stage: Any) -> dict[str, str]:  # noqa: ANN401
        from dvc.dependency import ParamsDependency
        from dvc.parsing import DEFAULT_PARAMS_FILE

        root = Path(self._repo.root_dir)
        paths = {Path(stage.path), Path(stage.path).with_name(DEFAULT_PARAMS_FILE)}
        paths |= {Path(dep.fs_path) for dep in stage.deps if isinstance(dep, ParamsDependency)}
        return {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(paths)
            if path.is_relative_to(root) and path.exists()
        }
