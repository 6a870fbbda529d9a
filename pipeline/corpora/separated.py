"""Files of separated values, CSV and TSV, checked line by line.

pandas, and so `datasets`, takes a row with one value too many for a row with a name, and shifts
every column without a word.
"""

import csv
import gzip
from pathlib import Path
from typing import TextIO

from pipeline.errors import InputError

SEPARATORS = {"csv": ",", "tsv": "\t"}
"""By the ending of a file's name, which may be followed by .gz."""


def opened_text(path: Path) -> TextIO:
    """Open a file of text in UTF-8, compressed if its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def require_same_fields(path: Path, separator: str) -> list[str]:
    """Return the names of a file's columns; each of its rows must have a value for each of them.

    Raises:
        InputError: a row has more or fewer values, a quote does not end, two columns have the same
            name, or the file is not text in UTF-8.
    """
    try:
        with opened_text(path) as file:
            rows = csv.reader(file, delimiter=separator, strict=True)
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
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected text in UTF-8, found other bytes") from None
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: expected a file that can be read, found {error}") from None
    if len(set(names)) < len(names):
        raise InputError(f"{path}: expected distinct names of columns, found {', '.join(names)}")
    return names
