"""Files of lines, CSV, TSV and JSONL, checked line by line.

In CSV, pandas, and so `datasets`, takes a row with a value too many for a row with a name, and
shifts every column without a word.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pipeline.errors import InputError
from pipeline.files import reading

SEPARATORS = {"csv": ",", "tsv": "\t"}
"""By the ending of a file's name, which may be followed by .gz."""


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a file of text in UTF-8, compressed if its name ends in .gz.

    Raises:
        InputError: the file cannot be read, or it is not text in UTF-8.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with (
        reading(path, "text in UTF-8", expected="text"),
        opened(path, "rt", encoding="utf-8-sig", newline="") as file,
    ):
        yield file


def require_same_fields(path: Path, separator: str) -> list[str]:
    """Return the names of a file's columns; each of its rows must have a value for each of them.

    Raises:
        InputError: a row has more or fewer values, a quote does not end, two columns have the same
            name, or the file cannot be read as text in UTF-8.
    """
    with _opened(path) as file:
        rows = csv.reader(file, delimiter=separator, strict=True)
        try:
            names = next(rows, [])
            for row in rows:
                if row and len(row) != len(names):
                    raise InputError(
                        f"{path}, line {rows.line_num}: expected {len(names)} values, found "
                        f"{len(row)} (is a value with a separator in it in quotes?)"
                    )
        except csv.Error as error:
            raise InputError(
                f"{path}, line {rows.line_num}: expected separated values, found {error}"
            ) from None
    if len(set(names)) < len(names):
        raise InputError(f"{path}: expected distinct names of columns, found {', '.join(names)}")
    return names


def read_objects(path: Path) -> list[dict[str, Any]]:
    """Read a file with a JSON object on each line.

    Raises:
        InputError: a line is no object, or the file cannot be read as text in UTF-8.
    """
    objects = []
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                found = json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                found = None
            if not isinstance(found, dict):
                raise InputError(
                    f"{path}, line {number}: expected a JSON object, found {line[:40]!r}"
                )
            objects.append(found)
    return objects
