"""The text of cells, read from the files of earlier stages, its values checked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.artifacts import TEXT, Table, read_notes, read_table
from pipeline.corpora.drawing import content_hash
from pipeline.corpora.files import CORPORA, EXAMPLES, FEWSHOT, SPLITS
from pipeline.errors import InputError
from pipeline.params.runs import LABELS, LanguageParams


def read_fewshot(shots: int, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the train and dev parts of the k-shot split for a training seed.

    Raises:
        InputError: there is no such file, its content is not that of its note `sha256`, it has
            splits per seed and none for this one, or a part does not have k pairs of each label.
    """
    path = FEWSHOT / f"k{shots}.parquet"
    frame = _read(path, SPLITS)
    noted, found = read_notes(path).get("sha256", "none"), split_sha256(frame)
    if noted != found:
        raise InputError(
            f"{path}: expected pairs with the SHA-256 of its metadata, {noted[:12]}, found "
            f"{found[:12]} (stage fewshot)"
        )
    names, parts = set(frame.split), []
    for name in ("train", "dev"):
        wanted = name if name in names else f"{name}@{seed}"
        if wanted not in names:
            raise InputError(
                f"{path}: expected a {name} split for seed {seed}, found "
                f"{', '.join(sorted(names))} (is the seed in params.yaml's grid.seeds?)"
            )
        part = frame[frame.split == wanted].reset_index(drop=True)
        counts = np.bincount(part.label, minlength=len(LABELS)).tolist()
        if counts != [shots] * len(LABELS):
            raise InputError(
                f"{path}: expected {shots} pairs of each label in {wanted}, found "
                f"{', '.join(map(str, counts))} (stage fewshot)"
            )
        parts.append(part)
    return parts[0], parts[1]


def read_pairs(path: Path, form: Table, languages: LanguageParams) -> pd.DataFrame:
    """Read parallel pairs, PARALLEL_PAIRS or TRANSLATED_SPLITS.

    Raises:
        InputError: the file is missing or damaged, a pair is there twice, or its language is none
            of the target languages.
    """
    frame = _read(path, form)
    foreign = ~frame.language.isin(languages.targets)
    if foreign.any():
        row = int(foreign.argmax())
        raise InputError(
            f"{path}, row {row}: language: expected one of {', '.join(languages.targets)}, found "
            f"{frame.language[row]}"
        )
    texts = [name for name in ("split", "premise", "hypothesis") if name in frame]
    again = frame.duplicated(texts)
    if again.any():
        row = int(again.argmax())
        raise InputError(
            f"{path}, row {row}: expected each pair once, found that of {frame.pair_id[row]} again"
        )
    return frame


def read_test(languages: LanguageParams) -> pd.DataFrame:
    """Read the test pairs, whose languages must be those of params.yaml in its order.

    Raises:
        InputError: the file is missing or damaged, or has other languages or not the same pairs
            in all of them.
    """
    path = CORPORA / "test.parquet"
    test = _read(path, EXAMPLES)
    codes = tuple(test.language.unique())
    if codes != languages.all:
        raise InputError(
            f"{path}: expected the languages of params.yaml, {', '.join(languages.all)}, "
            f"found {', '.join(codes) or 'none'} (stage corpora)"
        )
    rows = test.groupby("language", observed=True).size()
    for code in codes:
        if rows[code] != test.pair_id.nunique():
            raise InputError(
                f"{path}: language {code}: expected a row for each of {test.pair_id.nunique()} "
                f"pairs, found {rows[code]} (stage corpora)"
            )
    return test


def split_sha256(split: pd.DataFrame) -> str:
    r"""Return the SHA-256 of a split's content: the same pairs in the same parts have the same.

    It covers the lines `split \x1f premise \x1f hypothesis \x1f label id \n` (no spaces around
    \x1f) in UTF-8, sorted field by field by code points.
    """
    rows = split[["split", "premise", "hypothesis", "label"]].astype(str)
    return content_hash(sorted(rows.itertuples(index=False, name=None)))


def _read(path: Path, form: Table) -> pd.DataFrame:
    """Read a file whose labels must be those of LABELS, and whose texts must not be blank."""
    frame = read_table(path, form)
    most = len(LABELS) - 1
    for name, kind in zip(form.schema.names, form.schema.types, strict=True):
        if kind == TEXT:
            wrong, expected = frame[name].str.strip() == "", "text"
        elif kind == pa.int8():
            wrong, expected = ~frame[name].between(0, most), f"a label id, 0 to {most}"
        else:
            continue
        if wrong.any():
            row, found = int(wrong.argmax()), frame[name][wrong].tolist()[0]
            raise InputError(f"{path}, row {row}: {name}: expected {expected}, found {found!r}")
    return frame
