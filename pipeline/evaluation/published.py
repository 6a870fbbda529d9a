"""What other papers print for the methods of Table I, each number with its source."""

from collections.abc import Collection, Sequence
from typing import Annotated, Literal, NamedTuple, Self

import pandas as pd
from pydantic import Field, PositiveInt, model_validator

from pipeline.errors import InputError
from pipeline.evaluation.comparability import comparability
from pipeline.evaluation.files import AVERAGE, PAPER_TABLE1, PUBLISHED, languages_of
from pipeline.evaluation.words import counted, joined, percent
from pipeline.params.runs import Text
from pipeline.params.strict import Name, Strictly, parse
from pipeline.params.whole import Params

TITLE = "Published elsewhere"
OTHER_SPLITS = "other splits"


class Published(Strictly):
    """A row of published.csv, an accuracy in percent of XLM-R-base on XNLI.

    A method has the same name in every paper; `source` tells them apart. `splits` are those of
    Zhao & Schuetze (zs), as in the paper's Table I, or the authors' own; `same` is whether the
    number compares with Table I.
    """

    method: Name
    shots: PositiveInt
    language: Text
    accuracy: Annotated[float, Field(ge=0, le=100)]
    source: Text
    splits: Literal["zs", "own"]
    same: Literal["yes", "no"]

    @model_validator(mode="after")
    def _other_splits_are_not_the_same(self) -> Self:
        if self.splits == "own" and self.same == "yes":
            raise ValueError("same: expected no with splits own, found 'yes'")
        return self


class Beside(NamedTuple):
    """A published number beside ours, as text, under HEADS."""

    shots: str
    method: str
    language: str
    ours: str
    published: str
    splits: str
    source: str


HEADS = Beside._fields


def read_published(languages: Collection[str]) -> pd.DataFrame:
    """Return the rows of published.csv in these languages.

    Averages are over all languages of XNLI, so they are left out if ours are in others.

    Raises:
        InputError: the file, or the paper's Table I, is missing or damaged, or a number is there
            twice.
    """
    table, xnli = PUBLISHED.read(), languages_of(PAPER_TABLE1.read())
    known: set[tuple[str, int, str, str]] = set()
    for line, values in enumerate(table[[*PUBLISHED.columns]].to_dict("records"), start=2):
        place = f"{PUBLISHED.path}, line {line}"
        row = parse(Published, values, place=place)
        if row.language not in (*xnli, AVERAGE):
            raise InputError(
                f"{place}: language: expected {joined(xnli)} or {AVERAGE}, found {row.language!r}"
            )
        key = row.method, row.shots, row.language, row.source
        if key in known:
            raise InputError(f"{place}: expected a number once, found {joined(key)} again")
        known.add(key)
    shown = {*languages, *([AVERAGE] if set(languages) == set(xnli) else [])}
    return table[table["language"].isin(shown)]


def beside(mean: pd.DataFrame, published: pd.DataFrame) -> list[Beside]:
    """Return the published numbers of the methods and shots in Table I, in its order.

    Args:
        mean: table1.csv.
        published: as `read_published` returns it.
    """
    rows = []
    for ours in mean.to_dict("records"):
        of_ours = published["method"].eq(ours["method"]) & published["shots"].eq(ours["shots"])
        for theirs in published[of_ours].to_dict("records"):
            language = theirs["language"]
            numbers = percent(ours[language]), str(theirs["accuracy"])
            splits = _splits(theirs["splits"], theirs["same"])
            start = str(ours["shots"]), ours["method"], language
            rows.append(Beside(*start, *numbers, splits, theirs["source"]))
    return rows


def _splits(splits: str, same: str) -> str:
    if splits == "own":
        return OTHER_SPLITS
    return "as in Table I" if same == "yes" else "as in Table I, other settings"


def note(params: Params) -> str:
    """Return what the numbers are of, and how far they compare."""
    return (
        "Accuracy in percent that other papers print for XLM-R-base on XNLI, beside our means. The "
        f"splits are those of the paper's Table I, or others. {comparability(params)}"
    )


def sentence(rows: Sequence[Beside]) -> str:
    """Return the averages in one sentence; "" without any."""
    averages = [row for row in rows if row.language == AVERAGE]
    texts = (
        f"{row.method} {row.published} at {counted(int(row.shots), 'shot')} ({row.source}"
        f"{f'; {row.splits}' if row.splits == OTHER_SPLITS else ''})"
        for row in averages
    )
    return f"{TITLE}, for XLM-R-base on XNLI: {'; '.join(texts)}." if averages else ""
