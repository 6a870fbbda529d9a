"""`mpt pocket`: rebuild the miniature benchmark and its backbone from data/pocket's sources."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.pocket.build import Sources


def pocket(
    data_only: Annotated[
        bool, typer.Option("--data-only", help="Rebuild the datasets and leave the backbone.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Rebuild nothing; print the numbers of the card."),
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="The folder with lexicon.csv and grammar.yaml.")
    ] = Path("data/pocket"),
) -> None:
    """Rebuild data/pocket: the miniature benchmark and its backbone (minutes on one core)."""
    from pipeline.pocket.build import build_backbone, build_data, read_sources
    from stages.terminal import bar

    sources = read_sources(folder)
    if measure:
        _measure(sources, folder)
        return
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


def _measure(sources: "Sources", folder: Path) -> None:
    """Print the numbers of the card, as Markdown."""
    import torch

    from pipeline.params.whole import load_params
    from pipeline.pocket.card import cues, full_data, untrained
    from stages.terminal import bar, say

    torch.set_num_threads(1)
    for table in (
        cues(sources.corpora, sources.grammar.lexicon),
        untrained(sources.grammar, folder),
    ):
        shown = table.astype(object).where(table.notna(), None)
        say(shown.to_markdown(index=False, floatfmt=".1f", missingval="") + "\n")
    with bar() as progress:
        found = full_data(load_params(), folder, progress)
    say("full-data ft, en: " + ", ".join(f"{split} {value:.1f}" for split, value in found.items()))
