"""How a cell gets to its worker, and the way of one folder that all workers see."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pipeline.cluster.cells import Call, Cell, Outcome, Parcel, Shell, in_process, log_of
from pipeline.cluster.worker import Worker


class Way(Protocol):
    """Between the driver's folder and the workers'. Its methods want DVC's lock."""

    worker: type
    """What runs the cells: actors are made of it."""

    def restore(self, stage: Any) -> None:  # noqa: ANN401
        """Take the outs of a stage from an earlier run with the same deps.

        Raises:
            dvc.stage.cache.RunCacheNotFoundError: there was none.
        """

    def pack(self, name: str, stage: Any) -> Cell | Parcel:  # noqa: ANN401
        """Return what a worker needs; the deps of the stage are saved, its outs removed."""

    def unpack(self, stage: Any, outcome: Outcome) -> None:  # noqa: ANN401
        """Bring what a cell made into the driver's folder."""


class SharedFolder:
    """Workers run in the driver's own folder: nothing travels but the commands."""

    worker: type = Worker

    def __init__(self, repo: Any, entries: Mapping[str, str]) -> None:  # noqa: ANN401
        """Begin.

        Args:
            repo: DVC's.
            entries: programs that workers call in their process: name -> module:function.
        """
        self._repo = repo
        self._entries = entries

    def restore(self, stage: Any) -> None:  # noqa: ANN401
        """Take the outs of a stage from the run-cache."""
        self._repo.stage_cache.restore(stage)

    def pack(self, name: str, stage: Any) -> Cell:  # noqa: ANN401
        """Return the commands of a stage."""
        return cell_of(self._repo, name, stage, entries=self._entries)

    def unpack(self, stage: Any, outcome: Outcome) -> None:  # noqa: ANN401
        """Do nothing: all is here."""


def cell_of(
    repo: Any,  # noqa: ANN401
    name: str,
    stage: Any,  # noqa: ANN401
    *,
    entries: Mapping[str, str],
) -> Cell:
    """Return the commands of a stage as they run in the folder of a repository.

    Args:
        repo: DVC's.
        name: of the stage, as the driver knows it.
        stage: DVC's.
        entries: programs that workers call in their process: name -> module:function.
    """
    return Cell(
        name=name,
        folder=stage.wdir,
        steps=tuple(_steps(stage.cmd, entries)),
        environment=(("DVC_ROOT", repo.root_dir), ("DVC_STAGE", name)),
        log=f"{repo.root_dir}/{log_of(name)}",
    )


def _steps(command: str | list[str], entries: Mapping[str, str]) -> Iterator[Call | Shell]:
    from dvc.stage.run import _make_cmd, get_executable

    for line in command if isinstance(command, list) else command.splitlines():
        call = in_process(line, entries)
        yield call or Shell(tuple(_make_cmd(get_executable(), line)))
