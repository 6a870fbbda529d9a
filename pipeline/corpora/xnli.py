"""XNLI: train and dev in the source language, test in every language."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.corpora.drawing import content_hash
from pipeline.corpora.sources import PAIR, UNLABELLED, blank, read_split, refuse_incomplete
from pipeline.errors import InputError
from pipeline.params.runs import LanguageParams
from pipeline.params.text import LabelledSource, Source
from pipeline.progress import Progress, silent

HUB_NAMES = {"train": "train", "dev": "validation", "test": "test"}
"""Our names of the splits -> the Hub's."""


def load_xnli(
    source: LabelledSource, languages: LanguageParams, *, progress: Progress = silent
) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """Read and validate XNLI: train and dev in the source language only, test in all.

    Training pairs with blank text or without a label are left out.

    With `source.rows`, only so many rows of each test file are kept: as many of each label, and
    evenly spaced, since XNLI's test is sorted by genre.

    Returns:
        train, dev and test, each with the columns of files.EXAMPLES, and how many training pairs
        were left out by reason. Rows with the same `pair_id` in two languages are translations of
        each other.

    Raises:
        InputError: a file or column is missing, a text of dev or test is blank, a label is none
            of the three, the rows of a language do not match those of the source language, or
            there are fewer test rows than `source.rows`.
    """
    wanted = [("train", languages.source), ("dev", languages.source)]
    wanted += [("test", code) for code in languages.all]
    frames: dict[str, list[pd.DataFrame]] = {split: [] for split in HUB_NAMES}
    for done, (split, code) in enumerate(wanted):
        progress("XNLI", done, len(wanted), f"{split} {code}")
        frames[split].append(_read(source, split, code))
    progress("XNLI", len(wanted), len(wanted))
    _require_parallel(frames["test"], f"{source.path}: test")
    frames["test"] = [_spread(frame, source) for frame in frames["test"]]
    splits = {split: pd.concat(parts, ignore_index=True) for split, parts in frames.items()}
    train = splits["train"]
    reasons = {
        "blank": blank(train),
        "without a label": ~blank(train) & (train.label == UNLABELLED),
    }
    left_out = {reason: int(rows.sum()) for reason, rows in reasons.items()}
    splits["train"] = train[~pd.DataFrame(reasons).any(axis="columns")].reset_index(drop=True)
    return splits, left_out


def contents(splits: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return of each split its rows by language, and the SHA-256 of its rows in their order.

    The latter covers language, premise, hypothesis and label id of each row.
    """
    columns = ["language", *PAIR, "label"]
    return {
        name: {
            "rows": {code: len(part) for code, part in split.groupby("language", sort=False)},
            "sha256": content_hash(split[columns].astype(str).itertuples(index=False, name=None)),
        }
        for name, split in splits.items()
    }


def _spread(frame: pd.DataFrame, source: LabelledSource) -> pd.DataFrame:
    """Return `source.rows` of the rows, evenly spaced within each label, or all."""
    if source.rows is None:
        return frame
    if source.rows >= len(frame):
        raise InputError(
            f"params.yaml: datasets.xnli.rows: expected fewer than {len(frame)}, the rows of "
            f"{source.path}: test (or no such key, for all), found {source.rows}"
        )
    by_label = frame.label.argsort(kind="stable")
    chosen = [by_label.iloc[row * len(frame) // source.rows] for row in range(source.rows)]
    return frame.iloc[sorted(chosen)]


def _read(source: Source, split: str, code: str) -> pd.DataFrame:
    frame = read_split(source, config=code, split=HUB_NAMES[split], key="datasets.xnli")
    place = f"{source.path}: {code}/{HUB_NAMES[split]}"
    pair_ids = [f"{split}-{row}" for row in range(len(frame))]
    frame = frame.assign(language=code, pair_id=pair_ids)
    if split != "train":
        refuse_incomplete(frame, place=place)
    return frame


def _require_parallel(frames: list[pd.DataFrame], place: str) -> None:
    first = frames[0]
    source = first.language.iloc[0]
    for frame in frames[1:]:
        code = frame.language.iloc[0]
        if len(frame) != len(first):
            raise InputError(
                f"{place}: expected as many rows in {code} as in {source}, {len(first)}, found "
                f"{len(frame)}"
            )
        other = frame.label.to_numpy() != first.label.to_numpy()
        if other.any():
            row = int(other.argmax())
            raise InputError(
                f"{place}: expected in {code} the labels of {source}, "
                f"found {frame.label.iloc[row]} for {first.label.iloc[row]} in row {row}"
            )
