"""`mpt translations`: the training pairs of a k-shot split in XNLI's own translations."""

from typing import Annotated

import typer

SHOTS = typer.Option(min=1, help="Labelled pairs per label, k.")


def translations(*, shots: Annotated[int, SHOTS]) -> None:
    """Give each training pair of data/fewshot/kK.parquet its translation in one language."""
    import pandas as pd

    from pipeline.artifacts import read_notes, read_table, write_table
    from pipeline.corpora import files
    from pipeline.corpora.translated import translated_split
    from pipeline.errors import InputError
    from pipeline.params.whole import load_params
    from stages.terminal import bar, say

    params = load_params()
    split_path, path = (
        folder / f"k{shots}.parquet" for folder in (files.FEWSHOT, files.TRANSLATED)
    )
    split = read_table(split_path, files.SPLITS)
    if split.empty or not params.fewshot.translations:
        nothing = pd.DataFrame(columns=files.TRANSLATED_SPLITS.schema.names)
        write_table(nothing, path, files.TRANSLATED_SPLITS)
        reason = "the split is empty" if split.empty else "fewshot.translations is false"
        say(f"{path}: no pairs, because {reason}")
        return
    source = read_notes(split_path).get("source")
    if source != params.fewshot.source:
        # The pair ids are rows of that other source.
        raise InputError(
            f"{split_path}: expected a split from fewshot.source ({params.fewshot.source}), found "
            f"one from {source} (mpt fewshot --shots {shots} makes it anew)"
        )
    train = split[split.split.str.startswith("train")]
    test = read_table(files.CORPORA / "test.parquet", files.EXAMPLES)
    with bar() as progress:
        pairs = translated_split(train, test, params, shots=shots, progress=progress)
    write_table(pairs, path, files.TRANSLATED_SPLITS)
    counts = ", ".join(f"{code} {n}" for code, n in pairs.groupby("language").size().items())
    say(f"{path}: {len(pairs)} pairs: {counts}")
