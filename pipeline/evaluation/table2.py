"""Table II: what the method loses without each of its parts."""

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import AVERAGE, PRINTED_P, TABLE2
from pipeline.evaluation.intervals import with_average
from pipeline.evaluation.significance import MCNEMAR, PAPER_TEST, SEEDS_TEST, compare, holm
from pipeline.params.grid import Comparison, Shots

ORIGINAL = "original"
"""The reference's name as a variant."""

P_OF = {"p_paper": PAPER_TEST, "p_seeds": SEEDS_TEST, "p_mcnemar": MCNEMAR}
"""The columns of p-values before correction, and their tests."""


def table2(cells: Cells, comparison: Comparison, shots: Shots) -> pd.DataFrame:
    """Return table2.csv: the reference and its variants, mean over seeds and the tests.

    Returns:
        The rows are for the shots at which the reference and at least one variant have cells.
        Columns: shots, variant (the paper's name; first the reference, "original"), run, the
        languages by code and avg (percent), p_paper (the paper's test), p_seeds (paired t over
        common seeds), p_mcnemar (clustered by test pair); p_seeds_holm and p_mcnemar_holm, after
        Holm's correction over all rows of the table.

    Raises:
        InputError: a row of `comparison.table2` has the reference's name.
    """
    if ORIGINAL in comparison.table2:
        raise InputError(
            f"params.yaml: comparison.table2: expected no row named {ORIGINAL}, which is the "
            f"reference's, found {comparison.table2[ORIGINAL]!r}"
        )
    rows = []
    for k, variant, run in _rows(cells, comparison, shots):
        by_seed = with_average(cells.accuracies(run, k, cells.groups()[run, k]))
        row = {"shots": k, "variant": variant, "run": run}
        row |= dict(zip((*cells.languages, AVERAGE), by_seed.mean(axis=0), strict=True))
        if variant != ORIGINAL:
            tests = compare(cells, comparison.reference, run, shots=k)
            row |= {column: tests[test].p_value for column, test in P_OF.items() if test in tests}
        rows.append(row)
    table = TABLE2.frame(rows, languages=cells.languages)
    for test in ("p_seeds", "p_mcnemar"):
        table[f"{test}_holm"] = holm(table[test])
    return table


def table2_std(cells: Cells, table: pd.DataFrame) -> pd.DataFrame:
    """Return the sample standard deviations over seeds of the rows of Table II.

    Returns:
        Columns: shots, variant, run, seeds (their number), the languages by code and avg
        (percentage points; missing with one seed).
    """
    rows = []
    for k, variant, run in table[["shots", "variant", "run"]].itertuples(index=False, name=None):
        seeds = cells.groups()[run, k]
        by_seed = pd.DataFrame(with_average(cells.accuracies(run, k, seeds)))
        rows.append((k, variant, run, len(seeds), *by_seed.std(ddof=1)))
    columns = ["shots", "variant", "run", "seeds", *cells.languages, AVERAGE]
    return pd.DataFrame(rows, columns=columns)


def with_original(paper: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's Table II with the reference, the row without a p-value, named as ours."""
    return paper.assign(variant=paper["variant"].where(paper[PRINTED_P].notna(), ORIGINAL))


def _rows(cells: Cells, comparison: Comparison, shots: Shots) -> list[tuple[int, str, str]]:
    groups, rows = cells.groups(), []
    for k in shots:
        variants = [(k, name, run) for name, run in comparison.table2.items() if (run, k) in groups]
        if variants and (comparison.reference, k) in groups:
            rows += [(k, ORIGINAL, comparison.reference), *variants]
    return rows
