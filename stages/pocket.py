"""`mpt pocket`: rebuild the miniature benchmark and its backbone from data/pocket's sources."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.pocket.corpus import Corpora


def pocket(
    data_only: Annotated[
        bool,
        typer.Option("--data-only", help="Rebuild all but the backbone."),
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Print the numbers of the card; rebuild nothing.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="The folder with lexicon.csv and grammar.yaml.")
    ] = Path("data/pocket"),
) -> None:
    """Rebuild data/pocket: the miniature benchmark and its backbone (minutes on one core)."""
    from pipeline.pocket.corpus import draw_corpora, write_hub
    from pipeline.pocket.dictionaries import write_dictionaries
    from pipeline.pocket.grammar import read_grammar
    from stages.terminal import bar

    corpora = draw_corpora(read_grammar(folder))
    if measure:
        _measure(corpora, folder)
        return
    write_hub(corpora, folder / "hub")
    write_dictionaries(corpora.grammar.lexicon, folder / "dictionary")
    if data_only:
        return
    # The datasets need neither torch nor transformers.
    import torch
    from transformers.utils.logging import disable_progress_bar

    from pipeline.pocket.pretraining import write_backbone

    disable_progress_bar()
    # A model this small is faster on one thread than on two, and its sums keep their order.
    torch.set_num_threads(1)
    with bar() as progress:
        write_backbone(corpora, folder / "backbone", progress)


def _measure(corpora: "Corpora", folder: Path) -> None:
    import torch

    from pipeline.params.whole import load_params
    from pipeline.pocket.card import cues, full_data, untrained
    from stages.terminal import bar, say

    torch.set_num_threads(1)
    for table in (cues(corpora), untrained(corpora.grammar, folder)):
        shown = table.astype(object).where(table.notna(), None)
        say(shown.to_markdown(index=False, floatfmt=".1f", missingval="") + "\n")
    with bar() as progress:
        accuracies = full_data(load_params(), folder, progress)
    shares = ", ".join(f"{split} {percent:.1f}" for split, percent in accuracies.items())
    say(f"full-data ft, en: {shares}")
