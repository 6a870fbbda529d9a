"""The tables under results/ and data/paper/: their columns, and how they are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from pipeline.artifacts import read_object
from pipeline.corpora.lines import require_same_fields
from pipeline.errors import InputError
from pipeline.files import reading, sha256

RESULTS = Path("results")
DIGESTS = RESULTS / "sha256.json"
"""The SHA-256 of each file that `mpt tables` has written, by name."""
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

PRINTED_P = "p_value"
"""The p-values that the paper prints."""

PERCENT = 0, 100
RANGES = {
    **dict.fromkeys((AVERAGE, "accuracy", "mean", "ours", "paper", "percent"), PERCENT),
    **dict.fromkeys((*P_VALUES, PRINTED_P, "p_holm"), (0, 1)),
}
"""The least and largest number of a column; a language's column holds percent."""

BETWEEN = ("mean", "ours", "difference")
"""What `low` and `high` are about: the first of these columns that a table has."""

ROUNDING = 1e-9


@dataclass(frozen=True)
class Csv:
    """A CSV file and its columns."""

    path: Path
    columns: tuple[str, ...]
    empty: str = ""
    """What an empty table is called in an error; "" if a table may be empty."""
    rows: int | None = None
    """How many rows it has, if that never changes."""

    def frame(self, rows: Iterable[object], *, languages: Sequence[str] = ()) -> pd.DataFrame:
        """Return a table of tuples or mappings, EACH_LANGUAGE replaced by the languages."""
        each = ((column,) if column != EACH_LANGUAGE else languages for column in self.columns)
        return pd.DataFrame(list(rows), columns=pd.Index(chain.from_iterable(each)))

    def read(self) -> pd.DataFrame:
        """Read the file; missing text is "".

        Raises:
            InputError: the file is missing, is no CSV, was cut short or edited after `mpt tables`,
                lacks a column, has text for a number or a number out of its range, or is empty
                and must not be.
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
        self._require_ranges(table)
        self._require_whole(table)
        return table

    def _require_ranges(self, table: pd.DataFrame) -> None:
        each = {*table.columns} - {*self.columns, *TEXT} if EACH_LANGUAGE in self.columns else ()
        for name, (least, most) in (RANGES | dict.fromkeys(each, PERCENT)).items():
            if name in table.columns:
                outside = (table[name] < least) | (table[name] > most)
                self._refuse(table, outside, f"{least} to {most}", [name])
        middle = next((name for name in BETWEEN if name in table.columns), "")
        intervals = ("low", middle, "high"), ("difference_low", "difference", "difference_high")
        for names in intervals:
            if {*names} <= {*table.columns}:
                falls = table[[*names]].diff(axis="columns").min(axis="columns") < -ROUNDING
                self._refuse(table, falls, " <= ".join(names), names)

    def _refuse(
        self, table: pd.DataFrame, wrong: "pd.Series[bool]", expected: str, names: Sequence[str]
    ) -> None:
        for row in table.index[wrong]:
            found = ", ".join(str(table[name][row]) for name in names)
            place = f"{self.path}, line {row + 2}: {', '.join(names)}"
            raise InputError(f"{place}: expected {expected}, found {found}")

    def _require_whole(self, table: pd.DataFrame) -> None:
        if self.rows is not None and len(table) != self.rows:
            raise InputError(f"{self.path}: expected {self.rows} rows, found {len(table)}")
        if not self.path.read_bytes().endswith(b"\n"):
            raise InputError(
                f"{self.path}: expected a line break at the end, found none (is it cut short?)"
            )
        if self.path.parent == RESULTS:
            noted, found = read_object(DIGESTS).get(self.path.name, "none"), sha256(self.path)
            if noted != found:
                raise InputError(
                    f"{self.path}: expected the SHA-256 {noted[:12]} of {DIGESTS}, found "
                    f"{found[:12]} (make it: dvc repro)"
                )

    def _parse(self) -> pd.DataFrame:
        hint = " (make it: dvc repro)" if self.path.parent == RESULTS else ""
        with reading(self.path, "a CSV file", expected="a table", hint=hint):
            require_same_fields(self.path, ",")
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

PAPER_TABLE1 = Csv(PAPER / "table1.csv", ("shots", "method", *_MEANS), "Table I", rows=36)
PAPER_TABLE2 = Csv(
    PAPER / "table2.csv", ("shots", "variant", *_MEANS, PRINTED_P), "Table II", rows=5
)
PUBLISHED = Csv(
    PAPER / "published.csv",
    ("method", "shots", "language", "accuracy", "source", "splits", "same"),
)
"""What other papers print; see published.py."""
