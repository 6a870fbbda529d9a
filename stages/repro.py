"""`mpt repro`: the stages of dvc.yaml in parallel, on this machine or on a cluster."""

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

PROGRAMS = {"mpt": "stages.cli:main"}
"""What warm workers run in their own process."""


def repro(  # noqa: PLR0913
    targets: Annotated[
        list[str] | None, typer.Argument(help="Stages or outs; all of dvc.yaml without any.")
    ] = None,
    *,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Cells at once; as many as there are CPUs.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="A Ray cluster (HOST:PORT, or auto) on a folder that all nodes share."),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(help="With --address: nodes share no folder; this DVC remote carries data."),
    ] = None,
    gpus_per_cell: Annotated[
        float | None, typer.Option(min=0, help="Of a GPU; below 1, cells share it. [default: 1]")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", "-k", help="Run what does not need a failed stage.")
    ] = False,
) -> None:
    """Run the stale stages as `dvc repro` does, in parallel: same cache, same dvc.lock."""
    from pipeline.errors import InputError

    if find_spec("ray") is None:
        raise InputError("mpt repro needs Ray: pip install mpt-xnli[ray]")
    if remote and not address:
        raise InputError("--remote: expected --address and a cluster's, found none")
    from pipeline.cluster.driver import Driver
    from pipeline.cluster.pool import RayWorkers
    from pipeline.cluster.project import Project
    from stages.cells_view import view

    project = Project(Path(), PROGRAMS, remote=remote)
    with project.alone():
        with project.locked():
            plan = project.plan(targets or [])
        workers = RayWorkers(
            jobs=jobs, address=address, gpus_per_cell=gpus_per_cell, worker=project.worker
        )
        with closing(workers), view(plan.order, size=lambda: workers.size) as watch:
            driver = Driver(project, plan, workers, keep_going=keep_going, watch=watch)
            summary = driver.run()
    if not summary.good:
        raise typer.Exit(1)
