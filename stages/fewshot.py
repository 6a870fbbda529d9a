"""`mpt fewshot`: a k-shot split."""

from typing import Annotated

import typer


def fewshot(
    *,
    shots: Annotated[int, typer.Option(min=1, help="Labelled pairs a label, k.")],
) -> None:
    """Draw a k-shot train and dev split, or read a given one, to data/fewshot/kK.parquet."""
    import pandas as pd

    from pipeline.artifacts import CORPORA, EXAMPLES, FEWSHOT, SPLITS, read_table, write_table
    from pipeline.config import load_params
    from pipeline.corpora.fewshot import (
        given,
        require_disjoint,
        sampled,
        seeded,
        split_notes,
    )
    from stages.terminal import say

    params = load_params()
    path = FEWSHOT / f"k{shots}.parquet"
    pools: dict[str, pd.DataFrame] = {}
    for name in ("train", "dev", "test"):
        frame = read_table(CORPORA / f"{name}.parquet", EXAMPLES)
        pools[name] = frame[frame.language == params.languages.source]
    if params.fewshot.source != "sample":
        split = given(params.fewshot, shots=shots)
    elif params.fewshot.per_seed:
        split = seeded(pools, shots=shots, split_seed=params.fewshot.split_seed, seeds=params.seeds)
    else:
        split = sampled(pools, shots=shots, seed=params.fewshot.split_seed)
    require_disjoint(split, pools["test"], place=params.fewshot.source)
    notes = split_notes(split, params.fewshot)
    write_table(split, path, SPLITS, notes=notes)
    say(f"{path}: {len(split)} pairs, {params.fewshot.source}, SHA-256 {notes['sha256'][:12]}")
