"""XNLI as the stages see it: train in the source language, dev and test in every language."""

import pandas as pd

from pipeline.corpora.sources import blank, read_split, require_columns
from pipeline.errors import InputError
from pipeline.params.runs import LABELS, LanguageParams
from pipeline.params.text import Source
from pipeline.progress import Progress, silent

SPLITS = {"train": "train", "dev": "validation", "test": "test"}
"""Our names of the splits -> the Hub's."""


def load_xnli(
    source: Source, languages: LanguageParams, *, progress: Progress = silent
) -> dict[str, pd.DataFrame]:
    """Read and validate XNLI.

    Args:
        source: where it lies.
        languages: train is read in the source language alone, dev and test in all.
        progress: told of each file.

    Returns:
        train, dev and test, each with the columns of artifacts.EXAMPLES. Row i of a language
        and row i of another have the same `pair_id`: they are translations of each other.

    Raises:
        InputError: a file or column is missing, a text is blank, a label is none of the three,
            or a language's rows are not those of the source language.
    """
    wanted = [("train", languages.source)]
    wanted += [(split, code) for split in ("dev", "test") for code in languages.all]
    frames: dict[str, list[pd.DataFrame]] = {split: [] for split in SPLITS}
    for done, (split, code) in enumerate(wanted):
        progress("XNLI", done, len(wanted), f"{split} {code}")
        frames[split].append(_read(source, split, code))
    progress("XNLI", len(wanted), len(wanted))
    for split in ("dev", "test"):
        _require_parallel(frames[split], f"{source.path}: {SPLITS[split]}")
    return {split: pd.concat(parts, ignore_index=True) for split, parts in frames.items()}


def _read(source: Source, split: str, code: str) -> pd.DataFrame:
    frame = read_split(source, config=code, split=SPLITS[split], key="datasets.xnli")
    place = f"{source.path}: {code}/{SPLITS[split]}"
    sentences = ("premise", "hypothesis")
    require_columns(frame, text=sentences, other="label", place=place)
    frame.insert(0, "language", code)
    frame.insert(1, "pair_id", [f"{split}-{row}" for row in range(len(frame))])
    _require_labels(frame.label, place)
    lacking = blank(frame, sentences)
    if split == "train":
        return frame[~lacking]
    if lacking.any():
        row = int(lacking.argmax())
        raise InputError(f"{place}, row {row}: expected two sentences, found blank text")
    return frame


def _require_labels(labels: pd.Series, place: str) -> None:
    wrong = ~labels.isin(range(len(LABELS)))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{place}, row {row}: expected label 0, 1 or 2 ({', '.join(LABELS)}), "
            f"found {labels.iloc[row]}"
        )


def _require_parallel(frames: list[pd.DataFrame], place: str) -> None:
    first = frames[0]
    for frame in frames[1:]:
        code = frame.language.iloc[0]
        if len(frame) != len(first):
            raise InputError(
                f"{place}: expected {len(first)} rows in {code} as in "
                f"{first.language.iloc[0]}, found {len(frame)}"
            )
        other = frame.label.to_numpy() != first.label.to_numpy()
        if other.any():
            row = int(other.argmax())
            raise InputError(
                f"{place}: expected in {code} the labels of {first.language.iloc[0]}, "
                f"found {frame.label.iloc[row]} for {first.label.iloc[row]} in row {row}"
            )
