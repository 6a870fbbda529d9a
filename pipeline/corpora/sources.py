"""Splits of a dataset, from the Hugging Face Hub or from a folder of its layout.

`pipeline.hub` finds the files and `datasets` reads them. `load_dataset` with a Hub id would
download every split of a configuration, and would need the network again for those it has.
"""

import errno
import glob
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from pipeline.corpora.leaks import is_blank
from pipeline.corpora.lines import SEPARATORS, require_same_fields
from pipeline.errors import InputError
from pipeline.files import SCRATCH, note, unfinished, writing
from pipeline.hub.files import fetch
from pipeline.hub.names import split_patterns
from pipeline.params.runs import LABELS
from pipeline.params.strict import shown
from pipeline.params.text import Source

if TYPE_CHECKING:
    from datasets import Dataset, DatasetBuilder, Features

PAIR = ("premise", "hypothesis")
UNLABELLED = -1
"""The label of a pair whose annotators did not agree, as in SNLI."""
FORMS = ("parquet", "csv", "tsv", "jsonl")
"""Of files; all but the first may be compressed: .csv.gz."""
_PART = re.compile(
    r"(?:-(?P<part>\d+)-of-(?P<of>\d+)(?:-[0-9a-f]{16})?)?"
    r"\.(?P<form>parquet|(?:csv|tsv|jsonl)(?:\.gz)?)"
)
"""A file's name after its split's. Older files on the Hub have a hash in it."""
_NUMBER = re.compile("-?[0-9]+")
BATCH = 10_000
"""Rows that `datasets` converts at a time."""


def read_split(
    source: Source, *, config: str, split: str, key: str, columns: Sequence[str] = (*PAIR, "label")
) -> pd.DataFrame:
    """Read the files of a split, `CONFIG/SPLIT-00000-of-00001.parquet`; see `read_files`.

    Any of FORMS will do, in one file (`CONFIG/SPLIT.csv`) or several.

    `config` may be a language; `key` is the parameter that names the source, for messages.

    Raises:
        InputError: the folder, repository, revision, files or columns do not exist.
        RunError: the Hub cannot be reached.
    """
    files = split_files(source, config=config, split=split, key=key)
    return read_files(files, columns=columns, place=f"{source.path}: {config}/{split}")


def split_files(source: Source, *, config: str, split: str, key: str) -> list[Path]:
    """Return all files of a split in their order: one, or all of its parts; see `read_split`."""
    patterns = split_patterns(config, split)
    folder = fetch(source, patterns, kind="dataset", key=key)
    files = sorted(file for pattern in patterns for file in folder.glob(pattern))
    if not files:
        raise InputError(
            f"params.yaml: {key}: expected files {config}/{split} in {source.path} "
            f"({', '.join(FORMS)}), "
            f"found {_splits_in(folder) if source.is_folder else 'none'}"
        )
    parts = [_PART.fullmatch(file.name.removeprefix(split)) for file in files]
    known = [(int(part["part"] or 0), int(part["of"] or 1), part["form"]) for part in parts if part]
    number = max((of for _, of, _ in known), default=1)
    forms = {form for _, _, form in known}
    whole = [(part, number, *forms) for part in range(number)]
    if len(forms) != 1 or len(known) < len(files) or sorted(known) != whole:
        raise InputError(
            f"{source.path}: {config}/{split}: expected one file, or all parts of one split "
            f"(-00000-of-{number:05} to -{number - 1:05}-of-{number:05}) in one form "
            f"({', '.join(FORMS)}), found {', '.join(file.name for file in files)}"
        )
    return files


def _splits_in(folder: Path) -> str:
    files = (
        (path, re.fullmatch(rf"(\w+){_PART.pattern}", path.name)) for path in folder.glob("*/*")
    )
    splits = sorted({f"{path.parent.name}/{match[1]}" for path, match in files if match})
    return ", ".join(splits[:8]) + (", ..." if len(splits) > 8 else "") or "no such files"


def read_files(files: Sequence[Path], *, columns: Sequence[str], place: str) -> pd.DataFrame:
    """Read files of one form and the same columns as one table, rows and columns in their order.

    Labels with the names of LABELS, be they text or class labels, become ids of LABELS; a label
    that is missing becomes UNLABELLED.

    Raises:
        InputError: a file cannot be read, there are no rows, one of `columns` is missing, or a
            label is neither missing nor one of LABELS; the first two columns must hold text.
    """
    with opened(files, place=place) as dataset:
        for column in columns:
            if column not in dataset.column_names:
                raise InputError(
                    f"{place}: expected a column {column}, found {', '.join(dataset.column_names)}"
                )
        for column in columns[:2]:
            kind = getattr(dataset.features[column], "dtype", "nested values")
            if kind not in {"string", "large_string", "null"}:
                raise InputError(f"{place}: expected text in column {column}, found {kind}")
        # In one piece per column, since the bytes of a written table depend on the pieces.
        rows = dataset.with_format("arrow")[:].combine_chunks()
        try:
            rows.validate(full=True)
        except pa.ArrowInvalid:
            raise InputError(f"{place}: expected text in UTF-8, found other bytes") from None
        frame: pd.DataFrame = rows.to_pandas()
        if "label" in columns:
            ids = _label_ids(dataset.features, place=place)
            given = frame.label.astype(object).where(frame.label.notna(), UNLABELLED)
            if all(isinstance(label, str) and _NUMBER.fullmatch(label) for label in given):
                given = given.astype(int)  # as they stand in CSV
            frame["label"] = [ids.get(label, label) for label in given]
            _refuse_labels(frame, ~frame.label.isin([*range(len(LABELS)), UNLABELLED]), place=place)
            frame["label"] = frame.label.astype(int)
    return frame


def _refuse_labels(frame: pd.DataFrame, wrong: pd.Series, *, place: str) -> None:
    """Raise an InputError that names the first row with a wrong label, if there is one."""
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{place}, row {row}: expected label 0, 1 or 2 ({', '.join(LABELS)}), "
            f"found {shown(frame.label.tolist()[row])}"
        )


@contextmanager
def opened(files: Sequence[Path], *, place: str) -> Iterator["Dataset"]:
    """Open files of one form and the same columns as one dataset.

    `datasets` works on a copy of the files, which is neither kept nor shared: it exists only
    within the block.

    Raises:
        InputError: a file cannot be read, or there are no rows.
    """
    from datasets import disable_progress_bars

    disable_progress_bars()
    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # it also logs what it raises
    note(files)
    with writing(SCRATCH), unfinished(SCRATCH) as cache:
        try:
            builder = _builder(files, str(cache))
            builder.download_and_prepare()
        except InputError:
            raise
        except Exception as error:  # of Arrow, of `datasets` or of the system
            reason = error.__cause__ or error
            if isinstance(reason, OSError) and reason.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise reason from None
            if str(reason).startswith("Not enough disk space"):  # of `datasets`, without a number
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
            wanted = "a readable file" if len(files) == 1 else "readable files of the same columns"
            raise InputError(
                f"{place}: expected {wanted}, found "
                f"{type(reason).__name__}: {str(reason).rpartition(chr(10))[2]}"
            ) from None
        if not builder.info.splits["train"].num_examples:
            raise InputError(f"{place}: expected rows, found none")
        yield builder.as_dataset("train")


def _builder(files: Sequence[Path], cache: str) -> "DatasetBuilder":
    """Return the reader of `datasets` for files of one form.

    All columns of CSV and TSV are text there, since words such as "None" are no missing values.
    """
    from datasets import Features, Value
    from datasets.packaged_modules.csv.csv import Csv
    from datasets.packaged_modules.json.json import Json
    from datasets.packaged_modules.parquet.parquet import Parquet

    # Not by load_dataset_builder, which tells a server of every load.
    paths = [glob.escape(str(file)) for file in files]  # it takes patterns
    options: dict[str, Any] = {"data_files": {"train": paths}, "cache_dir": cache}
    form = files[0].name.removesuffix(".gz").rpartition(".")[2]
    if form == "parquet":
        return Parquet(batch_size=BATCH, **options)
    if form == "jsonl":
        return Json(**options)
    separator = SEPARATORS[form]
    heads = {tuple(require_same_fields(file, separator)) for file in files}
    features = Features(dict.fromkeys(heads.pop(), Value("string")))
    return Csv(sep=separator, features=features, keep_default_na=False, **options)


def _label_ids(features: "Features", *, place: str) -> dict[str | int, int]:
    """Return our ids by name, and by the dataset's own ids if it names them.

    Raises:
        InputError: it names its ids, and these are not the names of our labels.
    """
    from datasets import ClassLabel

    label = features["label"]
    ids: dict[str | int, int] = {name: number for number, name in enumerate(LABELS)}
    if isinstance(label, ClassLabel) and not all(name.isdecimal() for name in label.names):
        if set(label.names) != set(LABELS):
            raise InputError(
                f"{place}: label: expected the names {', '.join(LABELS)}, "
                f"found {', '.join(label.names)}"
            )
        ids |= {number: ids[name] for number, name in enumerate(label.names)}
    return ids


def blank(pairs: pd.DataFrame) -> pd.Series:
    """Return which rows lack a visible premise or hypothesis."""
    first, second = (pairs[column].fillna("").map(is_blank) for column in PAIR)
    return first | second


def refuse_incomplete(pairs: pd.DataFrame, *, place: str) -> None:
    """Raise an InputError that names the first row without a premise, hypothesis or label."""
    lacking = blank(pairs)
    if lacking.any():
        raise InputError(
            f"{place}, row {lacking.argmax()}: expected two sentences, found blank text"
        )
    _refuse_labels(pairs, pairs.label == UNLABELLED, place=place)
