"""Table II: what is lost when a part of the method is taken away."""

from pathlib import Path

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.comparisons import MCNEMAR, PAPER_TEST, SEEDS_TEST, compare, holm_of
from pipeline.evaluation.intervals import accuracies
from pipeline.evaluation.significance import Outcome
from pipeline.evaluation.tables import AVERAGE, languages_of, read_csv, require_numbers
from pipeline.params.grid import Comparison, Shots

ORIGINAL = "original"
"""The variant of which nothing is taken away: the reference."""

P_VALUES = ("p_paper", "p_seeds", "p_seeds_holm", "p_mcnemar", "p_mcnemar_holm")
PRINTED = "p_value"
"""The paper's p-values, as printed."""


def table2(cells: Cells, comparison: Comparison, shots: Shots) -> pd.DataFrame:
    """Return table2.csv: the reference and its variants, mean over seeds and the tests.

    Args:
        cells: the predictions.
        comparison: the reference, and which of our runs is which row of the paper's.
        shots: those at which there may be rows; of these the ones are taken at which the
            reference and at least one of the variants have cells.

    Returns:
        Columns: shots, variant (the paper's name; "original" the reference, first), run, the
        languages by code and avg (percent), p_paper (the paper's test), p_seeds (paired t over
        common seeds), p_mcnemar (clustered by test pair), and both of these after Holm's
        correction over all rows of the table.

    Raises:
        InputError: a row of `comparison.table2` is named as the reference's.
    """
    if ORIGINAL in comparison.table2:
        raise InputError(
            f"params.yaml: comparison.table2: expected no row named {ORIGINAL}, which is the "
            f"reference's, found {comparison.table2[ORIGINAL]!r}"
        )
    rows = []
    for k, variant, run in _rows(cells, comparison, shots):
        mean = accuracies(cells, run, k, cells.groups()[run, k]).mean(axis=0)
        tests = {} if variant == ORIGINAL else compare(cells, comparison.reference, run, shots=k)
        p_values = [_p_value(tests.get(test)) for test in (PAPER_TEST, SEEDS_TEST, MCNEMAR)]
        rows.append((k, variant, run, *mean, *p_values))
    columns = ["shots", "variant", "run", *cells.languages, AVERAGE]
    table = pd.DataFrame(rows, columns=[*columns, "p_paper", "p_seeds", "p_mcnemar"])
    for test in ("p_seeds", "p_mcnemar"):
        table[f"{test}_holm"] = holm_of(table[test])
    return table[[*columns, *P_VALUES]]


def table2_std(cells: Cells, table: pd.DataFrame) -> pd.DataFrame:
    """Return the sample standard deviations over seeds of the rows of Table II.

    Returns:
        Columns: shots, variant, run, seeds (their number), the languages by code and avg
        (percentage points; missing with one seed).
    """
    rows = []
    for k, variant, run in table[["shots", "variant", "run"]].itertuples(index=False, name=None):
        seeds = cells.groups()[run, k]
        ours = pd.DataFrame(accuracies(cells, run, k, seeds))
        rows.append((k, variant, run, len(seeds), *ours.std(ddof=1)))
    columns = ["shots", "variant", "run", "seeds", *cells.languages, AVERAGE]
    return pd.DataFrame(rows, columns=columns)


def read_table2(path: Path) -> pd.DataFrame:
    """Read results/table2.csv, which may have no rows.

    Raises:
        InputError: the file is missing, or has other columns or something else than numbers.
    """
    table = read_csv(path, "Table II", names=("shots", "variant", "run", AVERAGE, *P_VALUES))
    if not table.empty:
        require_numbers(table, ("shots", *languages_of(table), AVERAGE, *P_VALUES), path)
    return table


def read_paper_table2(path: Path) -> pd.DataFrame:
    """Read data/paper/table2.csv: shots, variant, the languages, avg, p_value.

    Raises:
        InputError: the file is missing, or has other columns or something else than numbers.
    """
    table = read_csv(path, "Table II", names=("shots", "variant", AVERAGE, PRINTED))
    require_numbers(table, ("shots", *languages_of(table), AVERAGE, PRINTED), path)
    return table


def with_original(paper: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's Table II with its reference named as ours is: the row without a p."""
    return paper.assign(variant=paper["variant"].where(paper[PRINTED].notna(), ORIGINAL))


def _rows(cells: Cells, comparison: Comparison, shots: Shots) -> list[tuple[int, str, str]]:
    groups, rows = cells.groups(), []
    for k in shots:
        there = [
            (k, variant, run) for variant, run in comparison.table2.items() if (run, k) in groups
        ]
        if there and (comparison.reference, k) in groups:
            rows += [(k, ORIGINAL, comparison.reference), *there]
    return rows


def _p_value(outcome: Outcome | None) -> float:
    p_value = outcome.p_value if outcome else None
    return float("nan") if p_value is None else p_value
