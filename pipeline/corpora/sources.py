"""Splits of a dataset, from the Hugging Face Hub or from a folder of its layout.

`pipeline.hub` finds the files and `datasets` reads them. `load_dataset` with a Hub id would
download every split of a configuration, and would need the network again for those it has.
"""

import errno
import glob
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from pipeline.corpora.leaks import is_blank
from pipeline.errors import InputError
from pipeline.files import SCRATCH, note, unfinished, writing
from pipeline.hub.files import fetch
from pipeline.hub.names import split_pattern
from pipeline.params.runs import LABELS
from pipeline.params.strict import shown
from pipeline.params.text import Source

if TYPE_CHECKING:
    from datasets import Dataset, Features

PAIR = ("premise", "hypothesis")
BATCH = 10_000
"""Rows that `datasets` converts at a time."""


def read_split(
    source: Source, *, config: str, split: str, key: str, columns: Sequence[str] = (*PAIR, "label")
) -> pd.DataFrame:
    """Read the Parquet files `CONFIG/SPLIT-00000-of-00001.parquet` of a dataset; see `read_files`.

    `config` may be a language; `key` is the parameter that names the source, for messages.

    Raises:
        InputError: the folder, repository, revision, files or columns do not exist.
        RunError: the Hub cannot be reached.
    """
    files = split_files(source, config=config, split=split, key=key)
    return read_files(files, columns=columns, place=f"{source.path}: {config}/{split}")


def split_files(source: Source, *, config: str, split: str, key: str) -> list[Path]:
    """Return the Parquet files of a split in their order; see `read_split`."""
    pattern = split_pattern(config, split)
    folder = fetch(source, [pattern], kind="dataset", key=key)
    files = sorted(folder.glob(pattern))
    if not files:
        raise InputError(
            f"params.yaml: {key}: expected {config}/{split}-*.parquet in {source.path}, "
            f"found {_splits_in(folder) if source.is_folder else 'none'}"
        )
    return files


def _splits_in(folder: Path) -> str:
    names = {
        f"{path.parent.name}/{path.stem.partition('-')[0]}" for path in folder.glob("*/*.parquet")
    }
    splits = sorted(names)
    return ", ".join(splits[:8]) + (", ..." if len(splits) > 8 else "") or "no Parquet files"


def read_files(files: Sequence[Path], *, columns: Sequence[str], place: str) -> pd.DataFrame:
    """Read Parquet files of the same columns as one table, all rows and columns in their order.

    Labels with the names of LABELS, be they text or class labels, become ids of LABELS.

    Raises:
        InputError: a file cannot be read, there are no rows, one of `columns` is missing, or a
            label is none of LABELS; the first two columns must hold text.
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
            frame["label"] = [ids.get(label, label) for label in frame.label]
            wrong = ~frame.label.isin(range(len(LABELS)))
            if wrong.any():
                row = int(wrong.argmax())
                raise InputError(
                    f"{place}, row {row}: expected label 0, 1 or 2 ({', '.join(LABELS)}), "
                    f"found {shown(frame.label.tolist()[row])}"
                )
    return frame


@contextmanager
def opened(files: Sequence[Path], *, place: str) -> Iterator["Dataset"]:
    """Open Parquet files of the same columns as one dataset, or raise InputError without rows.

    `datasets` works on a copy of the files, which is neither kept nor shared: it exists only
    within the block.
    """
    from datasets import disable_progress_bars
    from datasets.packaged_modules.parquet.parquet import Parquet

    disable_progress_bars()
    logging.getLogger("datasets").setLevel(logging.CRITICAL)  # it also logs what it raises
    note(files)
    with writing(SCRATCH), unfinished(SCRATCH) as cache:
        try:
            # Not by load_dataset_builder, which tells a server of every load.
            paths = [glob.escape(str(file)) for file in files]  # it takes patterns
            builder = Parquet(data_files={"train": paths}, cache_dir=str(cache), batch_size=BATCH)
            builder.download_and_prepare()
        except Exception as error:  # of Arrow, of `datasets` or of the system
            reason = error.__cause__ or error
            if isinstance(reason, OSError) and reason.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise reason from None
            raise InputError(
                f"{place}: expected Parquet files of the same columns, found "
                f"{type(reason).__name__}: {str(reason).rpartition(chr(10))[2]}"
            ) from None
        if not builder.info.splits["train"].num_examples:
            raise InputError(f"{place}: expected rows, found none")
        yield builder.as_dataset("train")


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


def refuse_blank(pairs: pd.DataFrame, *, place: str) -> None:
    """Raise an InputError that names the first row without a premise or a hypothesis."""
    lacking = blank(pairs)
    if lacking.any():
        raise InputError(
            f"{place}, row {lacking.argmax()}: expected two sentences, found blank text"
        )
