"""Working folders with an English pool and the parameters of an engine."""

import json
import sqlite3
from pathlib import Path

import pandas as pd

from pipeline.artifacts import write_table
from pipeline.corpora.files import ENGLISH_PAIRS, EXAMPLES
from pipeline.translation.place import journal_path
from tests import toys

ALL = ("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
QUICK = {"requests_per_second": 100000, "wait": 0.001, "wait_too_many": 0.002, "timeout": 5}


def english(rows: int) -> pd.DataFrame:
    pairs = [
        (
            f"train-{row}",
            f"the brown dog number {row} runs over the wide field",
            f"over the wide field runs a dog, number {row}",
        )
        for row in range(rows)
    ]
    return pd.DataFrame(pairs, columns=["pair_id", "premise", "hypothesis"])


def examples(languages: tuple[str, ...]) -> pd.DataFrame:
    """Return a test set of one pair per language that no pool holds."""
    codes = "en", *languages
    rows = [(code, "test-0", f"held out {code}", f"kept away {code}", 0) for code in codes]
    return pd.DataFrame(rows, columns=["language", "pair_id", "premise", "hypothesis", "label"])


def write(folder: Path, pool: pd.DataFrame, *, languages=ALL, **changes) -> None:
    """Write pool, test set and params.yaml; see `params`."""
    write_table(pool, folder / "data/corpora/pairs_en.parquet", ENGLISH_PAIRS)
    write_table(examples(languages), folder / "data/corpora/test.parquet", EXAMPLES)
    params(folder, languages=languages, **changes)


def params(
    folder: Path, *, engine="google", languages=ALL, pairs=20, extended=None, **changes
) -> None:
    """Write params.yaml; `changes` are keys of paws15.translation."""
    values = toys.params(
        languages__targets=list(languages), paws15__engine=engine, paws15__pairs=pairs
    )
    values["paws15"]["translation"] = QUICK | changes
    if extended:
        values["paws15"]["extended"] = extended
    toys.write_params(values, folder / "params.yaml")


def pairs(folder: Path, name: str = "pairs") -> pd.DataFrame:
    return pd.read_parquet(folder / f"data/paws15/{name}.parquet")


def facts(folder: Path, name: str = "manifest") -> dict:
    return json.loads((folder / f"data/paws15/{name}.json").read_text(encoding="utf-8"))


def written(folder: Path) -> dict[str, bytes]:
    """Return everything that the stage wrote, by file."""
    return {path.name: path.read_bytes() for path in (folder / "data/paws15").iterdir()}


def journal(table: str) -> pd.DataFrame:
    connection = sqlite3.connect(journal_path())
    rows = pd.read_sql(f"SELECT * FROM {table}", connection)
    connection.close()
    return rows
