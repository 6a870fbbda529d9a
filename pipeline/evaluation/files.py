"""The tables under results/ and data/paper/: their columns, and how they are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from pipeline.errors import InputError
from pipeline.files import reading

RESULTS = Path("results")
PAPER = Path("data/paper")

AVERAGE = "avg"
"""The unweighted mean over the languages, as a language or a column."""

EACH_LANGUAGE = "<language>"
"""In a list of columns: one column per language, named by its code."""

COMPARED = ("seeds", "difference", "difference_low", "difference_high")
"""In table2.csv: the seeds that a row is over, and the reference's lead with its interval."""

P_VALUES = ("p_paper", "p_seeds", "p_seeds_holm", "p_mcnemar", "p_mcnemar_holm")
TEXT = (
    *("run", "other", "method", "variant", "row", "language", "label", "predicted"),
    *("key", "value", "family", "test", "note", "source", "splits", "same"),
)
"""The columns that hold text; all others hold numbers."""


@dataclass(frozen=True)
class Csv:
    """A CSV file and its columns."""

    path: Path
    columns: tuple[str, ...]
    empty: str = ""
    """What an empty table is called in an error; "" if a table may be empty."""

    def frame(self, rows: Iterable[object], *, languages: Sequence[str] = ()) -> pd.DataFrame:
        """Return a table of tuples or mappings, EACH_LANGUAGE replaced by the languages."""
        each = ((column,) if column != EACH_LANGUAGE else languages for column in self.columns)
        return pd.DataFrame(list(rows), columns=pd.Index(chain.from_iterable(each)))

    def read(self) -> pd.DataFrame:
        """Read the file; missing text is "".

        Raises:
            InputError: the file is missing, is no CSV, lacks a column, has text for a number, or
                is empty and must not be.
        """
        table = self._parse()
        for column in self.columns:
            if column not in table.columns and column != EACH_LANGUAGE:
                raise InputError(
                    f"{self.path}: expected a column {column}, found {', '.join(table.columns)}"
                )
        if table.empty and self.empty:
            raise InputError(f"{self.path}: expected {self.empty}, found no rows")
        for name in table.columns:
            if name in TEXT:
                table[name] = table[name].fillna("").astype(object)
            elif len(table) and not pd.api.types.is_numeric_dtype(table[name]):
                raise InputError(f"{self.path}: column {name}: expected numbers, found text")
        return table

    def _parse(self) -> pd.DataFrame:
        hint = " (make it: dvc repro)" if self.path.parent == RESULTS else ""
        with reading(self.path, "a CSV file", expected="a table", hint=hint):
            # pandas would read values such as "none" and "null" as missing.
            return pd.read_csv(
                self.path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(TEXT, str)
            )


def languages_of(table: pd.DataFrame) -> list[str]:
    """Return the languages of a table that has a column for each and one for their mean."""
    names = [str(column) for column in table.columns]
    return [name for name in names[: names.index(AVERAGE)] if name not in {"shots", *TEXT}]


def _result(name: str, columns: str, *more: str, empty: str = "") -> Csv:
    return Csv(RESULTS / f"{name}.csv", (*columns.split(), *more), empty)


_MEANS = (EACH_LANGUAGE, AVERAGE)
_SPREAD = "seeds mean std low high"

ACCURACY = _result("accuracy", "run shots seed language accuracy")
TABLE1 = _result("table1", "shots method", *_MEANS, empty="Table I")
TABLE1_STD = _result("table1_std", "shots method", *_MEANS, empty="Table I")
TABLE2 = _result("table2", "shots variant run", *_MEANS, *COMPARED, *P_VALUES)
INTERVALS = _result("intervals", f"run shots language {_SPREAD}")
DIFFERENCES = _result("differences", "run other shots language seeds difference low high relative")
GAIN = _result("gain", "shots language difference low high relative")
SIGNIFICANCE = _result(
    "significance", "family shots run other test statistic df n difference p_value p_holm note"
)
SWEEPS = _result("sweeps", f"key value run shots {_SPREAD}")
CONFUSION = _result("confusion", "run shots language label predicted percent")
PAPER_GAP = _result(
    "paper_gap",
    "table shots row run language ours low high paper difference difference_low difference_high",
)

PRINTED_P = "p_value"
"""The p-values that the paper prints."""

PAPER_TABLE1 = Csv(PAPER / "table1.csv", ("shots", "method", *_MEANS), "Table I")
PAPER_TABLE2 = Csv(PAPER / "table2.csv", ("shots", "variant", *_MEANS, PRINTED_P), "Table II")
PUBLISHED = Csv(
    PAPER / "published.csv",
    ("method", "shots", "language", "accuracy", "source", "splits", "same"),
)
"""What other papers print; see published.py."""
