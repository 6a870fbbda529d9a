"""Reading one split of a dataset, from the Hugging Face Hub or from a folder of its layout."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.hub.files import fetch
from pipeline.params.runs import LABELS
from pipeline.params.text import Source


def read_split(source: Source, *, config: str, split: str, key: str) -> pd.DataFrame:
    """Read the Parquet files `CONFIG/SPLIT-00000-of-00001.parquet` of a dataset.

    These files alone are downloaded: `load_dataset` with a configuration and a split downloads
    every split of the configuration, and without a network finds nothing that it has.

    Args:
        source: a Hub id and its revision, or a folder.
        config: the configuration, such as a language.
        split: the split as the dataset calls it.
        key: the parameter that names the source, for the messages.

    Returns:
        The rows in the dataset's order, columns as they are; class labels as integers.

    Raises:
        InputError: the folder, the repository, the revision or the files do not exist, or
            they are no Parquet files of one form.
        RunError: the Hub cannot be reached.
    """
    files = split_files(source, config=config, split=split, key=key)
    tables = [_read(file, f"{source.path}: {config}/{file.name}") for file in files]
    try:
        table = pa.concat_tables(tables)
    except pa.ArrowInvalid:
        raise InputError(
            f"{source.path}: {config}/{split}: expected the same columns in each of the "
            f"{len(files)} files, found others"
        ) from None
    frame: pd.DataFrame = table.replace_schema_metadata().to_pandas()
    names = _label_names(table.schema)
    if set(names) == set(LABELS) and names != LABELS:
        # Label ids are a dataset's own business; only the names are sure.
        ids = dict(enumerate(LABELS.index(name) for name in names))
        frame["label"] = [ids.get(label, label) for label in frame.label]
    return frame


def split_files(source: Source, *, config: str, split: str, key: str) -> list[Path]:
    """Return the Parquet files of a split in their order; see `read_split`."""
    # The number tells a split's own files from others, such as train-translations.parquet.
    pattern = f"{config}/{split}-[0-9]*.parquet"
    folder = fetch(source, [pattern], kind="dataset", key=key)
    files = sorted(folder.glob(pattern))
    if not files:
        raise InputError(
            f"params.yaml: {key}: expected {config}/{split}-*.parquet in {source.path}, "
            f"found {_found(folder) if source.is_folder else 'none'}"
        )
    return files


def _read(file: Path, place: str) -> pa.Table:
    try:
        return pq.read_table(file)
    except (pa.ArrowInvalid, OSError):
        raise InputError(f"{place}: expected a Parquet file, found something else") from None


def _label_names(schema: pa.Schema) -> tuple[str, ...]:
    """Return the names of the class labels 0, 1, ... where `datasets` wrote them down."""
    features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    label = features.get("info", {}).get("features", {}).get("label", {})
    return tuple(label.get("names", ()))


def _found(folder: Path) -> str:
    present = sorted(
        {f"{path.parent.name}/{path.name.partition('-')[0]}" for path in folder.glob("*/*.parquet")}
    )
    shown = ", ".join(present[:8]) + (", ..." if len(present) > 8 else "")
    return shown or "no Parquet files"


def require_columns(frame: pd.DataFrame, *, text: tuple[str, str], other: str, place: str) -> None:
    """Check that a frame has two columns of text and another one, and a row at least.

    Raises:
        InputError: it has not.
    """
    for column in (*text, other):
        if column not in frame.columns:
            raise InputError(
                f"{place}: expected a column {column}, found {', '.join(frame.columns)}"
            )
    if frame.empty:
        raise InputError(f"{place}: expected rows, found none")
    for column in text:
        for value in frame[column].dropna():
            if not isinstance(value, str):
                raise InputError(f"{place}: expected text in column {column}, found {value!r}")


def blank(frame: pd.DataFrame, columns: tuple[str, str]) -> pd.Series:
    """Return which rows lack text in one of the columns."""
    first, second = (frame[column].fillna("").str.strip() == "" for column in columns)
    return first | second
