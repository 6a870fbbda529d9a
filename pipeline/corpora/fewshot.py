"""k-shot splits: k pairs per label to train on, and k per label to select by."""

from collections.abc import Mapping, Sequence

import pandas as pd

from pipeline.corpora.drawing import draw_key
from pipeline.corpora.leaks import bare_pairs, pair_texts, refuse_pairs_of, shared_with
from pipeline.corpora.reading import split_sha256
from pipeline.corpora.sources import read_split, refuse_incomplete
from pipeline.corpora.xnli import HUB_NAMES
from pipeline.errors import InputError
from pipeline.hub.names import given_splits
from pipeline.params.runs import LABELS
from pipeline.params.text import Fewshot
from pipeline.params.whole import Params


def usable(
    pools: Mapping[str, pd.DataFrame],
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, int]]]:
    """Leave out of train and dev what no split may hold; test stays as it is.

    The pools are train, dev and test in the source language. Left out are pairs of the test set,
    pairs of dev in train, and pairs that come with more than one label. Return the pools, and how
    many pairs were left out of each by reason.
    """
    test, dev, train = pools["test"], pools["dev"], pools["train"]
    clean, left_out = {"test": test}, {}
    for name, pool, held_out in (("dev", dev, test), ("train", train, pd.concat([test, dev]))):
        shared = shared_with(held_out, pool)
        key = pd.Series(bare_pairs(pool), index=pool.index)
        labels = pool.groupby(key.to_numpy()).label.transform("nunique")
        clean[name] = pool[~shared & (labels == 1)]
        left_out[name] = {
            "held out": int(shared.sum()),
            "of two labels": int((~shared & (labels > 1)).sum()),
        }
    return clean, left_out


def sample_split(pool: pd.DataFrame, *, shots: int, split: str, seed: int | str) -> pd.DataFrame:
    """Draw `shots` pairs of each label from a pool (pair_id, premise, hypothesis, label).

    The draws for different k are independent of each other, like those of Zhao & Schuetze. A
    draw depends only on the texts, not on the order of rows; a repeated pair counts once.

    Returns 3k rows with the columns of files.SPLITS in the order drawn, the labels in turn, or
    raises InputError if a label has fewer than k pairs.
    """
    pool = pool.assign(text=pair_texts(pool), bare=bare_pairs(pool))
    pool = pool.sort_values(["text", "premise", "hypothesis"]).drop_duplicates("bare")
    pool = pool.assign(order=[draw_key(seed, shots, split, text) for text in pool.text])
    chosen = pool.sort_values("order").groupby("label", sort=True).head(shots)
    counts = chosen.label.value_counts()
    for label, name in enumerate(LABELS):
        if counts.get(label, 0) < shots:
            raise InputError(
                f"data/corpora/{split}.parquet: expected at least {shots} of label {name} for "
                f"k = {shots}, found {counts.get(label, 0)}"
            )
    chosen = chosen.assign(split=split, turn=chosen.groupby("label").cumcount())
    chosen = chosen.sort_values(["turn", "label"], ignore_index=True)
    return chosen[["split", "pair_id", "premise", "hypothesis", "label"]]


def sampled(pools: Mapping[str, pd.DataFrame], *, shots: int, seed: int | str) -> pd.DataFrame:
    """Draw a k-shot train and dev split from `usable` pools."""
    drawn = [
        sample_split(pools[split], shots=shots, split=split, seed=seed)
        for split in ("train", "dev")
    ]
    return pd.concat(drawn, ignore_index=True)


def seeded(
    pools: Mapping[str, pd.DataFrame], *, shots: int, split_seed: int, seeds: Sequence[int]
) -> pd.DataFrame:
    """Draw a k-shot split for each training seed, named `train@3` and `dev@3`; see `sampled`."""
    splits = {seed: sampled(pools, shots=shots, seed=f"{split_seed}/{seed}") for seed in seeds}
    named = [split.assign(split=split.split + f"@{seed}") for seed, split in splits.items()]
    return pd.concat(named, ignore_index=True)


def given(
    fewshot: Fewshot, *, shots: int, splits: Sequence[str] = ("train", "dev")
) -> pd.DataFrame:
    """Read a k-shot split, or a part of it, from a folder: `kK/train-*` and `kK/validation-*`.

    Raises:
        InputError: a file is missing, or it does not hold k distinct pairs of each label.
    """
    source, frames = given_splits(fewshot), []
    for split in splits:
        config, place = f"k{shots}", f"{fewshot.source}: k{shots}/{HUB_NAMES[split]}"
        frame = read_split(source, config=config, split=HUB_NAMES[split], key="fewshot.source")
        refuse_incomplete(frame, place=place)
        counts = [int((frame.label == label).sum()) for label in range(len(LABELS))]
        if counts != [shots] * len(LABELS) or len(frame) != shots * len(LABELS):
            raise InputError(f"{place}: expected {shots} of each label, found {counts}")
        repeated = pair_texts(frame).duplicated()
        if repeated.any():
            row = int(repeated.argmax())
            raise InputError(
                f"{place}, row {row}: expected each pair once, found {frame.premise[row][:40]!r}, "
                f"{frame.hypothesis[row][:40]!r} again"
            )
        ids = [f"{config}/{split}-{row}" for row in range(len(frame))]
        frames.append(frame.assign(split=split, pair_id=ids))
    return pd.concat(frames, ignore_index=True)


def split_of(pools: Mapping[str, pd.DataFrame], params: Params, *, shots: int) -> pd.DataFrame:
    """Make the k-shot split that params.yaml asks for, from `usable` pools.

    See `given`, `seeded` and `sampled`.
    """
    fewshot = params.fewshot
    if fewshot.source != "sample":
        split = given(fewshot, shots=shots)
    elif fewshot.per_seed:
        split = seeded(pools, shots=shots, split_seed=fewshot.split_seed, seeds=params.seeds)
    else:
        split = sampled(pools, shots=shots, seed=fewshot.split_seed)
    require_disjoint(split, pools["test"], place=fewshot.source)
    return split


def split_notes(split: pd.DataFrame, fewshot: Fewshot) -> dict[str, str]:
    """Return the metadata of a split's file: the settings it was made by, and its hash."""
    return {
        "source": fewshot.source,
        "split_seed": str(fewshot.split_seed),
        "per_seed": str(fewshot.per_seed).lower(),
        "sha256": split_sha256(split),
    }


def require_disjoint(split: pd.DataFrame, test: pd.DataFrame, *, place: str) -> None:
    """Raise an InputError if train and dev share a pair with each other or with the test set."""
    refuse_pairs_of(test, split, place=place, of="the test set")
    is_train = split.split.str.startswith("train")
    for (_, train), (_, dev) in zip(
        split[is_train].groupby("split"), split[~is_train].groupby("split"), strict=True
    ):
        refuse_pairs_of(dev, train, place=place, of="its dev split")
