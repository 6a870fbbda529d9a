"""`mpt updates`: how long the reference trains."""

from typing import Annotated

import typer

SHOTS = typer.Option(min=1, help="Labelled pairs per label, k.")


def updates(*, shots: Annotated[int, SHOTS]) -> None:
    """Count the updates that comparison.reference makes, for `mpt train --matched`."""
    from pipeline.artifacts import write_json
    from pipeline.cells.files import updates_path
    from pipeline.params.runs import load_runs
    from pipeline.params.whole import load_params
    from pipeline.training.cell import read_cell
    from pipeline.training.loop import length_of
    from stages.terminal import say

    params, path = load_params(), updates_path(shots)
    if not params.matched.runs:
        write_json({}, path)
        say(f"{path}: not counted, because matched has no runs")
        return
    reference, seed = params.comparison.reference, params.matched.seeds[0]
    cell = read_cell(load_runs(), reference, shots=shots, seed=seed)
    streams = cell.method.streams(cell.text, cell.generator)
    length = length_of(cell.method.run.training, cell.text, streams)
    write_json(length._asdict(), path)
    say(f"{path}: {length.updates} updates, {length.epoch} per epoch")
