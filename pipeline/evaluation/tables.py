"""accuracy.csv, Tables I and II, paper_gap.csv, curves.csv, confusion.csv and metrics.json.

Accuracies are in percent, standard deviations and differences in percentage points.
"""

from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.evaluation import files
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import AVERAGE, languages_of
from pipeline.evaluation.intervals import with_average
from pipeline.evaluation.significance import MCNEMAR, PAPER_TEST, SEEDS_TEST, compare, holm
from pipeline.params.grid import Comparison, Grid, Shots
from pipeline.params.runs import ANSWERS, LABELS

ORIGINAL = "original"
"""The reference's name as a variant in Table II."""

P_OF = {"p_paper": PAPER_TEST, "p_seeds": SEEDS_TEST, "p_mcnemar": MCNEMAR}
"""The columns of p-values before correction, and their tests."""

CORRECTED = ("p_seeds", "p_mcnemar")
"""Those that Holm's correction is applied to."""


def accuracy_table(cells: Cells) -> pd.DataFrame:
    """Return accuracy.csv, in the order of the cells."""
    return files.ACCURACY.frame(
        (run, shots, seed, language, accuracy)
        for run, shots, seed in cells.predicted
        for language, accuracy in zip(
            cells.languages, cells.accuracies(run, shots, [seed])[0], strict=True
        )
    )


def table1(accuracy: pd.DataFrame, grid: Grid, statistic: str = "mean") -> pd.DataFrame:
    """Return Table I: a statistic over seeds for shots x runs, where there are cells.

    Args:
        accuracy: accuracy.csv.
        grid: the runs and shots of the table, in its order.
        statistic: "mean", or "std" (sample standard deviation; missing with one seed).

    Returns:
        Columns: shots, method, the languages by code, and avg: the statistic of the seeds' means
        over languages.
    """
    ours = accuracy[accuracy["run"].isin(grid.runs)]
    by_seed = ours.pivot(index=["shots", "run", "seed"], columns="language", values="accuracy")
    by_seed[AVERAGE] = by_seed.mean(axis=1)
    values = by_seed.groupby(level=["shots", "run"]).agg(statistic)
    rows = pd.MultiIndex.from_product([grid.shots, grid.runs], names=["shots", "method"])
    values = values.rename_axis(index=["shots", "method"])
    table = values.reindex(rows[rows.isin(values.index)]).reset_index()
    return table.rename_axis(columns=None)


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Return curves.csv: the averages of Table I, a column per method, shots ascending."""
    methods = list(dict.fromkeys(table["method"]))
    wide = table.pivot(index="shots", columns="method", values=AVERAGE)[methods]
    return wide.sort_index().reset_index().rename_axis(columns=None)


def table2(
    cells: Cells, differences: pd.DataFrame, comparison: Comparison, shots: Shots
) -> pd.DataFrame:
    """Return table2.csv: the reference and its variants, and what separates them.

    All numbers of a row are over the seeds that its run shares with the reference. The
    reference, "original", is over all its seeds and comes first. The table has the shots at which
    a variant shares seeds with it. Holm's correction is over all rows of the table.

    Args:
        cells: the predictions.
        differences: differences.csv, for the reference's lead and its interval.
        comparison: the reference and the variants.
        shots: those of the table, in its order.

    Raises:
        InputError: a row of `comparison.table2` has the reference's name.
    """
    if ORIGINAL in comparison.table2:
        raise InputError(
            f"params.yaml: comparison.table2: expected no row named {ORIGINAL}, which is the "
            f"reference's, found {comparison.table2[ORIGINAL]!r}"
        )
    averages = differences[differences["language"] == AVERAGE]
    leads = averages.set_index(["other", "shots"])[["difference", "low", "high"]].T.to_dict("list")
    rows = []
    for k, variant, run in _rows(cells, comparison, shots):
        by_seed = _compared(cells, comparison.reference, run, shots=k)
        row = {"shots": k, "variant": variant, "run": run, "seeds": len(by_seed)}
        row |= dict(zip((*cells.languages, AVERAGE), by_seed.mean(axis=0), strict=True))
        if run != comparison.reference:
            row |= dict(zip(files.COMPARED[1:], leads[run, k], strict=True))
            tests = compare(cells, comparison.reference, run, shots=k)
            row |= {column: tests[test].p_value for column, test in P_OF.items()}
        rows.append(row)
    table = files.TABLE2.frame(rows, languages=cells.languages)
    for test in CORRECTED:
        table[f"{test}_holm"] = holm(table[test])
    return table


def table2_std(cells: Cells, table: pd.DataFrame, comparison: Comparison) -> pd.DataFrame:
    """Return the sample standard deviations of the rows of Table II, as "std" above."""
    rows = []
    for k, variant, run in table[["shots", "variant", "run"]].itertuples(index=False, name=None):
        by_seed = pd.DataFrame(_compared(cells, comparison.reference, run, shots=k))
        rows.append((k, variant, run, *by_seed.std(ddof=1)))
    columns = ["shots", "variant", "run", *cells.languages, AVERAGE]
    return pd.DataFrame(rows, columns=columns)


def with_original(paper: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's Table II with the reference, the first row of its shots, named as ours."""
    return paper.assign(variant=paper["variant"].where(paper["shots"].duplicated(), ORIGINAL))


def comparable(paper: pd.DataFrame, languages: Collection[str]) -> pd.DataFrame:
    """Return a table of the paper's in those of its languages that ours are in.

    The paper's averages and p-values are over all its languages. If ours are only some of them,
    the averages are computed over these; if ours include others, they are missing. The p-values
    are missing in both cases.
    """
    printed = languages_of(paper)
    if set(printed) == set(languages):
        return paper
    others = [code for code in printed if code not in languages]
    average = paper[list(languages)].mean(axis=1) if set(languages) < set(printed) else np.nan
    missing = {files.PRINTED_P: np.nan} if files.PRINTED_P in paper else {}
    return paper.drop(columns=others).assign(**{AVERAGE: average}, **missing)


def paper_gap(
    intervals: pd.DataFrame,
    tables: Mapping[int, pd.DataFrame],
    runs: Mapping[int, Mapping[str, str]],
) -> pd.DataFrame:
    """Set ours beside every number of the paper's tables.

    The paper prints no spread, so the interval of a difference only includes ours.

    Args:
        intervals: intervals.csv.
        tables: the paper's tables by number, 1 or 2, as `comparable` returns them.
        runs: by number of the table, our run for each row of the paper's, if there is one.

    Returns:
        paper_gap.csv; what was not run is missing, and differences are ours minus the paper's.
    """
    rows = [
        (number, int(row["shots"]), name, runs[number].get(name), language, row[language])
        for number, table in tables.items()
        for row in table.to_dict("records")
        for name in [row["method" if number == 1 else "variant"]]
        for language in (*languages_of(table), AVERAGE)
    ]
    frame = pd.DataFrame(rows, columns=["table", "shots", "row", "run", "language", "paper"])
    frame = frame.dropna(subset="paper")
    ours = intervals[["run", "shots", "language", "mean", "low", "high"]]
    ours = ours.rename(columns={"mean": "ours"})
    frame = frame.merge(ours, on=["run", "shots", "language"], how="left", validate="many_to_one")
    for column in ("ours", "low", "high"):
        difference = "difference" if column == "ours" else f"difference_{column}"
        frame[difference] = frame[column] - frame["paper"]
    return frame[list(files.PAPER_GAP.columns)]


def confusion(cells: Cells) -> pd.DataFrame:
    """Return confusion.csv: how the test pairs of each label are classified.

    A row's percentage is the share of the label's rows with this prediction, over all seeds. It
    is missing if no row has the label. "no label" has rows only for runs that predict it.
    """
    shape = len(cells.languages), len(LABELS), len(ANSWERS)
    # The flat index of (language, label, 0); adding a prediction gives the index of its count.
    language = np.arange(len(cells.languages), dtype=np.int64)[:, None]
    start = (language * len(LABELS) + cells.label) * len(ANSWERS)
    rows = []
    for (run, shots), seeds in cells.groups().items():
        counts = np.zeros(shape, dtype=np.int64)
        for seed in seeds:
            index = (start + cells.predicted[run, shots, seed] % len(ANSWERS)).ravel()
            counts += np.bincount(index, minlength=counts.size).reshape(shape)
        of_label = counts.sum(axis=2, keepdims=True)
        answers = ANSWERS if counts[..., -1].any() else LABELS
        percent = 100.0 * counts[..., : len(answers)] / np.where(of_label > 0, of_label, np.nan)
        names = product(cells.languages, LABELS, answers)
        rows += [(run, shots, *name, p) for name, p in zip(names, percent.flat, strict=True)]
    return files.CONFUSION.frame(rows)


def summary(table: pd.DataFrame, *, reference: str, pairs: int) -> dict[str, Any]:
    """Return results/metrics.json, for `dvc metrics show`: the averages of Table I.

    Variants are left out: hundreds of numbers would hide these.

    Returns:
        `accuracy`: percent by shots and run; `REFERENCE_minus`: the reference's lead by shots
        and other run, percentage points (empty if the table lacks the reference); `test_pairs`.
    """
    means: dict[str, dict[str, float]] = {}
    for shots, run, mean in zip(table["shots"], table["method"], table[AVERAGE], strict=True):
        means.setdefault(f"k{shots}", {})[str(run)] = float(mean)
    ahead = {
        shots: {run: of[reference] - of[run] for run in of if run != reference}
        for shots, of in means.items()
        if reference in of
    }
    return {"accuracy": means, f"{reference}_minus": ahead, "test_pairs": pairs}


def _rows(cells: Cells, comparison: Comparison, shots: Shots) -> list[tuple[int, str, str]]:
    reference, rows = comparison.reference, []
    for k in shots:
        variants = [
            (k, name, run)
            for name, run in comparison.table2.items()
            if cells.common_seeds(reference, run, shots=k)
        ]
        rows += [(k, ORIGINAL, reference), *variants] if variants else []
    return rows


def _compared(cells: Cells, reference: str, run: str, *, shots: int) -> NDArray[np.float64]:
    """Return a run's accuracies over the seeds that it shares with the reference, [S, L + 1]."""
    seeds = cells.common_seeds(reference, run, shots=shots)
    return with_average(cells.accuracies(run, shots, seeds))
