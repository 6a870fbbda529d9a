"""`mpt repro`: the stages of dvc.yaml in parallel, on this machine or on a cluster."""

from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import InputError, RunError

if TYPE_CHECKING:
    from pipeline.cluster.project import Project

PROGRAMS = {"mpt": "stages.cli:main"}  # programs that workers call in their own process


TARGETS = typer.Argument(help="Stages or outs; default: all of dvc.yaml.")


def repro(  # noqa: PLR0913
    targets: Annotated[list[str] | None, TARGETS] = None,
    *,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Stages at once; default: one per CPU (or GPU).")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="A Ray cluster whose nodes share this folder: HOST:PORT, or auto."),
    ] = None,
    gpus_per_cell: Annotated[
        float | None,
        typer.Option(min=0, help="GPUs per cell; a fraction lets cells share one. [default: 1]"),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", "-k", help="Run what does not need a failed stage.")
    ] = False,
    heal: Annotated[
        bool,
        typer.Option("--heal", help="First remove what a killed DVC command has left damaged."),
    ] = False,
) -> None:
    """Run the stale stages as `dvc repro` does, but in parallel: same cache, same dvc.lock."""
    if find_spec("ray") is None:
        raise InputError("mpt repro needs Ray: pip install mpt-xnli[ray]")
    from pipeline.cluster.driver import Driver
    from pipeline.cluster.healing import heal as healed
    from pipeline.cluster.project import Project
    from pipeline.cluster.ray_workers import RayWorkers
    from pipeline.cluster.states import States
    from stages.repro_view import view
    from stages.terminal import say

    project = Project(Path(), PROGRAMS)
    if heal:
        with project.lock:
            for path in healed(project.repo):
                say(f"{path}: damaged, so it is removed")
    with project.exclusive():
        with project.lock:
            make_plan(project, targets or [])
            for name, failure in project.try_quick().items():
                if failure:
                    raise RunError(f"{name}: {failure}")
        states = States(project.stages)
        workers = RayWorkers(jobs=jobs, address=address, gpus=gpus_per_cell)
        driver = Driver(project=project, workers=workers, states=states, keep_going=keep_going)
        with closing(workers), view(states, size=lambda: workers.size):
            driver.run()
    if not states.good:
        raise typer.Exit(1)


def make_plan(project: "Project", targets: Sequence[str]) -> None:
    """Find the stages to check.

    Raises:
        InputError: params.yaml, dvc.yaml, dvc.lock or a target is wrong.
    """
    from pipeline.params.whole import load_params

    try:
        project.plan(targets)
    except RunError:
        raise
    except Exception:
        load_params()  # DVC's own message may be about a mistake in params.yaml
        raise
