"""Reading one split of a dataset, from the Hugging Face Hub or from a folder of its layout."""

from pathlib import Path

import pandas as pd

from pipeline.config import LABELS, Source
from pipeline.errors import InputError, RunError


def read_split(source: Source, *, config: str, split: str, key: str) -> pd.DataFrame:
    """Read the Parquet files `CONFIG/SPLIT-*.parquet` of a dataset.

    The files are named one by one, since asking the Hub's copy for a split downloads every
    split of the configuration.

    Args:
        source: a Hub id and its revision, or a folder.
        config: the configuration, such as a language.
        split: the split as the dataset calls it.
        key: the parameter that names the source, for the messages.

    Returns:
        The rows in the dataset's order, columns as they are; class labels as integers.

    Raises:
        InputError: the folder, the repository, the revision or the files do not exist.
        RunError: the Hub cannot be reached.
    """
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    files = f"{config}/{split}-*.parquet"
    if not source.is_folder and (source.path.startswith((".", "/")) or source.path.count("/") > 1):
        raise InputError(f"params.yaml: {key}.path: expected a folder, found no {source.path}")
    datasets.disable_progress_bars()
    try:
        rows = datasets.load_dataset(
            source.path,
            data_files={split: files},
            split=split,
            revision=None if source.is_folder else source.revision,
        )
    except DatasetNotFoundError as error:
        raise InputError(
            f"params.yaml: {key}: expected a dataset on the Hub, found none at "
            f"{source.path}, revision {source.revision or 'main'} ({_first_line(error)})"
        ) from None
    except FileNotFoundError:
        raise InputError(
            f"params.yaml: {key}: expected {files} in {source.path}, found {_found(source)}"
        ) from None
    except (ConnectionError, OSError) as error:
        raise RunError(f"{key}: {source.path} cannot be read: {_first_line(error)}") from None
    frame: pd.DataFrame = rows.to_pandas()
    names = getattr(rows.features.get("label"), "names", None)
    if names and set(names) == set(LABELS) and tuple(names) != LABELS:
        # Label ids are a dataset's own business; only the names are sure.
        frame["label"] = [LABELS.index(names[label]) if label >= 0 else -1 for label in frame.label]
    return frame


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _found(source: Source) -> str:
    if not source.is_folder:
        return "none of that name"
    folder = Path(source.path)
    present = sorted({
        f"{path.parent.name}/{path.name.partition('-')[0]}" for path in folder.glob("*/*.parquet")
    })
    shown = ", ".join(present[:8]) + (", ..." if len(present) > 8 else "")
    return shown or "no Parquet files"


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], *, place: str) -> None:
    """Check that a frame has the columns.

    Raises:
        InputError: one is missing.
    """
    for column in columns:
        if column not in frame.columns:
            raise InputError(
                f"{place}: expected a column {column}, found {', '.join(frame.columns)}"
            )
