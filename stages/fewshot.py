"""`mpt fewshot`: the k-shot splits."""

from typing import Annotated

import typer

SHOTS = typer.Option(min=1, help="Make only this split (labelled pairs per label, k).")


def fewshot(*, shots: Annotated[int | None, SHOTS] = None) -> None:
    """Draw k-shot train and dev splits, or read given ones, and write data/fewshot/kK.parquet.

    Without --shots, make one for each number of shots in params.yaml.
    """
    import pandas as pd

    from pipeline.artifacts import read_table, write_table
    from pipeline.corpora.fewshot import split_notes, split_of, usable
    from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS
    from pipeline.errors import InputError
    from pipeline.params.whole import load_params
    from stages.terminal import say

    params = load_params()
    pools, splits = {}, {}
    for name in ("train", "dev", "test"):
        frame = read_table(CORPORA / f"{name}.parquet", EXAMPLES)
        pools[name] = frame[frame.language == params.languages.source]
    pools, left_out = usable(pools)
    for name, reasons in left_out.items():
        if any(reasons.values()):
            counts = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
            say(f"data/corpora/{name}.parquet: left out {counts}")
    for k, is_used in (params.shots if shots is None else {shots: True}).items():
        try:
            splits[k] = split_of(pools, params, shots=k)
        except InputError:
            # A block without runs may name shots that cannot be drawn.
            if is_used:
                raise
            splits[k] = pd.DataFrame(columns=SPLITS.schema.names)
    for k, split in splits.items():
        path, notes = FEWSHOT / f"k{k}.parquet", split_notes(split, params.fewshot)
        write_table(split, path, SPLITS, notes=notes)
        say(f"{path}: {len(split)} pairs, {params.fewshot.source}, SHA-256 {notes['sha256'][:12]}")
