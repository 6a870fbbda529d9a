"""The parallel pairs that a run reads: PAWS-15, or XNLI's own text and translations."""

import pandas as pd

from pipeline.corpora.files import (
    PARALLEL_PAIRS,
    PAWS15,
    TRANSLATED,
    TRANSLATED_SPLITS,
    UNLABELLED,
)
from pipeline.corpora.reading import read_pairs
from pipeline.errors import InputError
from pipeline.params.runs import LABELS, LanguageParams, Run


def read_parallel(run: Run, languages: LanguageParams, *, shots: int, seed: int) -> pd.DataFrame:
    """Read the parallel pairs that a run selects by `pairs` and `external_pairs`.

    Raises:
        InputError: as `read_pairs`, or the file holds no pairs, too few, or those of other shots.
    """
    if run.parallel.pairs == "xnli":
        return _translations(run, languages, shots=shots, seed=seed)
    if run.parallel.pairs == "xnli_unlabelled":
        return _unlabelled(run, languages)
    wanted, path = run.parallel.external_pairs, PAWS15 / "pairs.parquet"
    pairs = read_pairs(path, PARALLEL_PAIRS, languages)
    if wanted and wanted > len(pairs):
        path = PAWS15 / "extended.parquet"
        pairs = read_pairs(path, PARALLEL_PAIRS, languages)
    if wanted and wanted > len(pairs):
        raise InputError(
            f"{path}: expected at least the {wanted} pairs of methods.{run.name}.external_pairs "
            f"in params.yaml, found {len(pairs)}"
        )
    return pairs.head(wanted) if wanted else pairs


def _unlabelled(run: Run, languages: LanguageParams) -> pd.DataFrame:
    path = UNLABELLED / "pairs.parquet"
    frame = read_pairs(path, PARALLEL_PAIRS, languages)
    if frame.empty:
        raise InputError(
            f"{path}: expected pairs, since methods.{run.name}.pairs is xnli_unlabelled, found "
            f"none (stage unlabelled, for runs in ablations.runs)"
        )
    return frame


def _translations(run: Run, languages: LanguageParams, *, shots: int, seed: int) -> pd.DataFrame:
    path = TRANSLATED / f"k{shots}.parquet"
    frame = read_pairs(path, TRANSLATED_SPLITS, languages)
    if frame.empty:
        raise InputError(
            f"{path}: expected translations of the labelled pairs, since methods.{run.name}.pairs "
            f"is xnli, found none (params.yaml: fewshot.translations must be true, and "
            f"fewshot.source must have them)"
        )
    names = set(frame.split)
    wanted = "train" if "train" in names else f"train@{seed}"
    if wanted not in names:
        raise InputError(
            f"{path}: expected a train split for seed {seed}, found {', '.join(sorted(names))} "
            f"(is the seed in params.yaml's grid.seeds?)"
        )
    part = frame[frame.split == wanted].reset_index(drop=True)
    if len(part) != shots * len(LABELS):
        raise InputError(
            f"{path}: expected a translation of each of {shots * len(LABELS)} pairs in {wanted}, "
            f"found {len(part)} (stage translations)"
        )
    return part
