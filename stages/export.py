"""`mpt export`: a trained cell as a folder that `transformers` loads."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def export(
    run: Annotated[str, typer.Argument(help="A run in data/runs/, e.g. mpt or sp_matched.")],
    *,
    shots: Annotated[int, typer.Option(min=1, help="Labelled pairs per label, k.")],
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the cell.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder to write; data/exported/RUN/kK/sSEED by default.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16"], typer.Option(help="Precision of the weights.")
    ] = "float32",
) -> None:
    """Train a cell of RUN again, and write a folder that transformers and mpt predict load.

    The cell must have been trained before: its predictions are compared.
    """
    from pipeline.backbone.files import backbone_folder
    from pipeline.export.card import card
    from pipeline.export.check import check_folder
    from pipeline.export.folder import require_free, write_model
    from pipeline.export.provenance import provenance
    from pipeline.export.retraining import CellName, distance, require_cell, train_again
    from pipeline.files import atomic_folder, write_text
    from pipeline.params.runs import load_runs
    from pipeline.params.whole import load_params
    from stages.terminal import bar, say, warn

    params, name = load_params(), CellName(run, shots, seed)
    folder = to or name.exported
    require_free(folder)
    params.run(name.entry)  # an unknown run has no cells either
    require_cell(name)
    with bar() as progress:
        trained = train_again(load_runs(), name, progress=progress)
    method, test, predictions = trained.cell.method, trained.cell.test, trained.predictions
    apart, backbone = distance(predictions, name.predictions), backbone_folder(method.run.backbone)
    with atomic_folder(folder) as scratch:
        nli = write_model(scratch, method, backbone=backbone, dtype=dtype)
        checked = check_folder(scratch, method, test, predictions, exact=dtype == "float32")
        source = provenance(params, name, trained)
        write_text(card(name, source, nli, predictions, checked), scratch / "README.md")
    say(
        f"{folder}: {nli.kind}, {dtype}, probabilities within {checked.largest:.1g} of the method's"
    )
    if apart.same_bytes:
        say(f"{name.predictions}: the same bytes again")
    else:
        warn(
            f"{name.predictions}: trained again, probabilities differ by up to "
            f"{apart.largest:.2g}, and {apart.labels:,} of {apart.rows:,} labels (another machine, "
            f"other versions, or edited parameters)"
        )
