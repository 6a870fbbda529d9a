"""`mpt pocket`: rebuild the miniature benchmark and its backbone from data/pocket's sources."""

from pathlib import Path
from typing import Annotated

import typer


def pocket(
    data_only: Annotated[
        bool, typer.Option("--data-only", help="Rebuild the datasets and leave the backbone.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="The folder with lexicon.csv and grammar.yaml.")
    ] = Path("data/pocket"),
) -> None:
    """Rebuild data/pocket: the miniature benchmark and its backbone (minutes on one core)."""
    from pipeline.pocket.build import build_backbone, build_data, read_sources
    from stages.terminal import bar

    sources = read_sources(folder)
    build_data(sources, folder)
    if data_only:
        return
    # The datasets need neither torch nor transformers.
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # A model this small is quicker on one thread than on two, and its sums keep their order.
    torch.set_num_threads(1)
    with bar() as progress:
        build_backbone(sources, folder, progress)
