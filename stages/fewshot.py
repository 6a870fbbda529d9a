"""`mpt fewshot`: the k-shot splits."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pipeline.params.whole import Params


def fewshot(
    *,
    shots: Annotated[
        int | None,
        typer.Option(min=1, help="Make only this split (labelled pairs per label, k)."),
    ] = None,
) -> None:
    """Draw k-shot train and dev splits, or read given ones, and write data/fewshot/kK.parquet.

    Without --shots, make one for each number of shots in params.yaml.
    """
    import pandas as pd

    from pipeline.artifacts import read_table, write_table
    from pipeline.corpora.fewshot import split_notes
    from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS
    from pipeline.errors import InputError
    from pipeline.params.whole import load_params
    from stages.terminal import say

    params = load_params()
    pools: dict[str, pd.DataFrame] = {}
    for name in ("train", "dev", "test"):
        frame = read_table(CORPORA / f"{name}.parquet", EXAMPLES)
        pools[name] = frame[frame.language == params.languages.source]
    splits = {}
    for k, is_used in (params.shots if shots is None else {shots: True}).items():
        try:
            splits[k] = _split(pools, params, shots=k)
        except InputError:
            if is_used:
                raise
            splits[k] = pd.DataFrame(columns=SPLITS.schema.names)
    for k, split in splits.items():
        path, notes = FEWSHOT / f"k{k}.parquet", split_notes(split, params.fewshot)
        write_table(split, path, SPLITS, notes=notes)
        say(f"{path}: {len(split)} pairs, {params.fewshot.source}, SHA-256 {notes['sha256'][:12]}")


def _split(pools: "Mapping[str, pd.DataFrame]", params: "Params", *, shots: int) -> "pd.DataFrame":
    from pipeline.corpora.fewshot import given, require_disjoint, sampled, seeded

    settings = params.fewshot
    if settings.source != "sample":
        split = given(settings, shots=shots)
    elif settings.per_seed:
        split = seeded(pools, shots=shots, split_seed=settings.split_seed, seeds=params.seeds)
    else:
        split = sampled(pools, shots=shots, seed=settings.split_seed)
    require_disjoint(split, pools["test"], place=settings.source)
    return split
