"""The stages of a DVC repository, and what `dvc repro` does to a stage apart from its command.

After DVC 3.67: `dvc.stage.Stage.reproduce` and `run` (tests/cluster/ compares the results).
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pipeline.cluster.healing import require_whole_lock, require_whole_rwlock
from pipeline.cluster.lock_file import LockFile
from pipeline.cluster.patches import patch
from pipeline.cluster.states import State
from pipeline.cluster.task import Step, Task, call_of, group, log_path
from pipeline.cluster.worker import run_here
from pipeline.errors import InputError, RunError


class BusyError(Exception):
    """Another process works on a stage; the message names the process."""


class Project:
    """A DVC repository. Hold `lock` while calling its methods, unless they say otherwise."""

    def __init__(self, folder: Path, entries: Mapping[str, str]) -> None:
        """Open the repository of a folder. Workers call the programs of `entries` (see `call_of`).

        Raises:
            InputError: the folder is in no repository of DVC, or that in none of git.
        """
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo
        from dvc.scm import SCMError

        patch()
        # Only stages/ writes to the terminal.
        logging.getLogger("dvc").setLevel(logging.CRITICAL)
        try:
            self.repo = Repo(str(folder), _wait_for_lock=True)
        except NotDvcRepoError:
            raise InputError(f"{folder.resolve()}: expected a DVC repository, found none") from None
        except SCMError:
            raise InputError(
                f"{folder.resolve()}: expected a git repository, found none (make one: "
                "git init; or do without: dvc config --local core.no_scm true)"
            ) from None
        self.lock = self.repo.lock
        """DVC's lock of the repository, which waits; DVC's own commands give up after a while."""
        self._entries = entries
        self._begun: dict[str, tuple[ExitStack, dict[str, Any]]] = {}

    def exclusive(self) -> ExitStack:
        """Keep other runs of the repository out until the end; do not call this while locked.

        Raises:
            RunError: another process runs it; the message names the process.
        """
        try:
            return self.hold("", write=[f"{self.repo.tmp_dir}/mpt-repro"])
        except BusyError as other:
            raise RunError(f"another run is in progress: {other}") from None

    def hold(self, note: str, *, read: Sequence[str] = (), write: Sequence[str] = ()) -> ExitStack:
        """Lock files in DVC's rwlock until the result is closed.

        Args:
            note: shown after our command to processes that are refused.
            read: files that others may only read meanwhile.
            write: files that others may not even read.

        Raises:
            BusyError: another process has locked one of them.
            RunError: DVC's rwlock is unreadable.
        """
        from dvc.rwlock import rwlock

        require_whole_rwlock(self.repo)

        folder, command = self.repo.tmp_dir, " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
        hardlink = self.repo.config["core"].get("hardlink_lock", False)
        held = ExitStack()
        lock = rwlock(folder, self.repo.fs, command + note, list(read), list(write), hardlink)
        with _busy():
            held.enter_context(lock)
        return held

    def plan(self, targets: Sequence[str]) -> None:
        """Find the stages to check. Targets are stages or outs; none means all of dvc.yaml.

        Raises:
            InputError: dvc.yaml or a target is wrong.
            RunError: a killed DVC command has left dvc.lock or the rwlock damaged.
        """
        from dvc.dvcfile import PROJECT_FILE
        from dvc.exceptions import DvcException
        from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

        require_whole_rwlock(self.repo)
        try:
            chosen = collect_stages(self.repo, list(targets) or [PROJECT_FILE])
            graph = get_active_graph(self.repo.index.graph)
            stages = plan_repro(graph, chosen)
        except DvcException as error:
            require_whole_lock(self.repo)
            raise InputError(str(error)) from None
        for stage in stages:
            # These values are parts of commands and paths.
            if not re.fullmatch(r"[\w@.+-]+", stage.name or "_"):
                values = stage.name.partition("@")[2]
                raise InputError(
                    f"params.yaml: expected values of letters, digits and _.+- in the matrix of "
                    f"{group(stage.name)}, found {values!r}"
                )
        self.stages: dict[str, Any] = {stage.addressing: stage for stage in stages}
        """DVC's objects, in the order of `dvc repro`."""
        self.needs = {
            name: frozenset(needed.addressing for needed in graph.successors(stage))
            for name, stage in self.stages.items()
        }
        """For each stage, the stages that it waits for."""
        self.lock_file = LockFile(self.stages)

    def begin(self, name: str) -> State | Task:
        """Do all of a stage that comes before its command. The stages it needs must have ended.

        A quick stage runs here.

        Returns the task to run before `finish` or `release`; or the state, if nothing is to run.

        Raises:
            BusyError: another process works on the stage.
            DvcException: a dep is missing, for example.
            InputError, RunError: a quick stage failed.
        """
        from dvc.stage.cache import RunCacheNotFoundError

        stage = self.stages[name]
        with _busy():
            if stage.frozen or not stage.cmd:
                return State.DONE if stage.reproduce() else State.UNCHANGED
            if not stage.changed():
                return State.UNCHANGED
            stage.remove_outs()
            try:
                self.repo.stage_cache.restore(stage)
            except RunCacheNotFoundError:
                task = self._task(name, stage)
                if not _is_quick(stage):
                    return task
                try:
                    run_here(task)
                except BaseException:
                    self.release(name)
                    raise
                self.finish(name)
                return State.DONE
            self._save(stage)
            return State.RESTORED

    def try_quick(self) -> dict[str, str]:
        """Run the quick stages that a run would run first, but save nothing.

        Return why each failed, "" if it did not; nothing is tried after a failure.

        Raises:
            InputError: the input of a command is wrong.
        """
        tried: dict[str, str] = {}
        for name in self.stages:
            if all(map(_is_quick, map(self.stages.get, self.needs[name]))):
                tried |= self.try_if_quick(name)
                if tried.get(name):
                    break
        return tried

    def try_if_quick(self, name: str) -> dict[str, str]:
        """Run a stage if it is quick and stale; see `try_quick`. Return nothing if it is not."""
        stage = self.stages[name]
        if not _is_quick(stage) or stage.frozen or not stage.changed():
            return {}
        stage.remove_outs()
        try:
            run_here(self._described(name, stage))
        except RunError as error:
            return {name: str(error)}
        return {name: ""}

    def finish(self, name: str) -> None:
        """Save what the command has made, in the cache and in the run-cache.

        Raises:
            RunError: a dep changed while the command ran, so nothing was saved.
            DvcException: an out is missing, for example.
        """
        stage = self.stages[name]
        before = self.release(name)
        stage.save_deps()
        changed = [dep for dep, value in _hashes(stage).items() if before[dep] != value]
        if changed:
            stage.remove_outs()  # a command that is no stage of ours has not done it
            raise RunError(f"{', '.join(changed)} changed while it ran: not saved")
        self._save(stage)

    def release(self, name: str) -> dict[str, Any]:
        """Let other processes work on a stage that was begun; return the hashes of its deps."""
        held, hashes = self._begun.pop(name)
        held.close()
        return hashes

    def close(self, states: Mapping[str, State]) -> None:
        """Release what was begun and write the rest of dvc.lock."""
        for name in list(self._begun):
            self.release(name)
        with self.repo.scm_context(quiet=True):
            self.lock_file.write(states)
        self.repo.close()

    def _save(self, stage: Any) -> None:  # noqa: ANN401
        """Do what `Stage.run` does after the command; the deps are saved already."""
        stage.save_outs()
        stage.md5 = stage.compute_md5()
        stage.commit()
        if all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs):
            self.repo.stage_cache.save(stage)

    def _task(self, name: str, stage: Any) -> Task:  # noqa: ANN401
        from dvc_data.hashfile.hash_info import HashInfo

        stage.save_deps()
        # If the stage begins again, DVC must not take the old outs for those of the new deps.
        for out in stage.outs:
            out.hash_info = HashInfo()
        # Locked for reading, even the outs: `dvc status` may look at them, but nobody may write.
        paths = [path.fs_path for path in (*stage.deps, *stage.outs) if path.protocol == "local"]
        self._begun[name] = self.hold(f" ({name})", read=paths), _hashes(stage)
        return self._described(name, stage)

    def _described(self, name: str, stage: Any) -> Task:  # noqa: ANN401
        root = self.repo.root_dir
        steps = tuple(_steps(stage.cmd, self._entries))
        environment = (("DVC_ROOT", root), ("DVC_STAGE", name))
        return Task(name, stage.wdir, steps, environment, log=f"{root}/{log_path(name)}")


def _is_quick(stage: Any) -> bool:  # noqa: ANN401
    """Return whether a stage is run here, and even for a plan."""
    return bool(stage.always_changed or (stage.meta or {}).get("quick"))


@contextmanager
def _busy() -> Iterator[None]:
    """Turn DVC's refusal into a BusyError that names the other process and its command."""
    from dvc.lock import LockError

    try:
        yield
    except LockError as error:
        holder = re.search(r"\(PID .*", str(error))
        raise BusyError(holder[0] if holder else str(error)) from None


def _hashes(stage: Any) -> dict[str, Any]:  # noqa: ANN401
    return {str(dep): dep.hash_info.value for dep in stage.deps}


def _steps(cmd: str | list[str], entries: Mapping[str, str]) -> Iterator[Step]:
    from dvc.stage.run import _make_cmd, get_executable

    for line in cmd if isinstance(cmd, list) else cmd.splitlines():
        yield call_of(line, entries) or Step(tuple(_make_cmd(get_executable(), line)))
