"""Tables I and II, the distance from the paper and the runs beside them, printed."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.printing import Entries
from pipeline.evaluation.table2 import PRINTED, with_original
from pipeline.evaluation.tables import languages_of
from pipeline.params.whole import VARIANTS, Params
from pipeline.report.figures.words import AVERAGE, interval, percent, signed
from pipeline.report.p_values import shown

P_ROWS = {
    "the paper's test": "p_paper",
    "seeds": "p_seeds",
    "seeds, Holm": "p_seeds_holm",
    "test pairs": "p_mcnemar",
    "test pairs, Holm": "p_mcnemar_holm",
}
"""The last rows of Table II, and the columns of table2.csv that they are from."""


@dataclass(frozen=True)
class Column:
    """A variant of Table II at one number of shots.

    Attributes:
        variant: the paper's name of the row.
        run: ours, "" where only the paper has it.
        ours: printed accuracy by language or avg.
        paper: the paper's, "" where it has none.
        p_values: ours by the names of P_ROWS.
        p_paper: the paper's printed p-value.
    """

    variant: str
    run: str
    ours: Mapping[str, str]
    paper: Mapping[str, str]
    p_values: Mapping[str, str]
    p_paper: str


def by_shots(entries: Entries) -> dict[int, dict[str, dict[str, object]]]:
    """Return Table I as shots -> language (avg the last) -> run -> entry."""
    tables: dict[int, dict[str, dict[str, object]]] = {}
    for (shots, run), row in entries.items():
        table = tables.setdefault(shots, {})
        for language, entry in row.items():
            table.setdefault(language, {})[run] = entry
    return tables


def table2(ours: pd.DataFrame, paper: pd.DataFrame) -> dict[int, list[Column]]:
    """Return Table II by shots: ours with the paper's values at the same shots.

    Where no shots of ours are the paper's, the paper's own table comes last.

    Args:
        ours: the rows of table2.csv.
        paper: the rows of data/paper/table2.csv.
    """
    languages, printed_in = languages_of(ours), languages_of(paper)
    named = with_original(paper)
    theirs = {
        (int(row["shots"]), str(row["variant"])): {str(name): row[name] for name in row}
        for row in named.to_dict("records")
    }
    # The paper's mean is over its own languages.
    shared = [code for code in languages if code in printed_in]
    shared += [AVERAGE] if set(languages) == set(printed_in) else []
    tables: dict[int, list[Column]] = {}
    for row in ours.to_dict("records"):
        shots, variant = int(row["shots"]), str(row["variant"])
        printed = theirs.get((shots, variant), {})
        tables.setdefault(shots, []).append(
            Column(
                variant=variant,
                run=str(row["run"]),
                ours={code: percent(row[code]) for code in (*languages, AVERAGE)},
                paper={code: percent(printed[code]) for code in shared if printed},
                p_values={name: _p(row[column]) for name, column in P_ROWS.items()},
                p_paper=_p(printed.get(PRINTED, float("nan"))),
            )
        )
    if not set(tables) & {shots for shots, _ in theirs}:
        for (shots, variant), printed in theirs.items():
            numbers = {code: percent(printed[code]) for code in (*printed_in, AVERAGE)}
            column = Column(variant, "", {}, numbers, {}, _p(printed[PRINTED]))
            tables.setdefault(shots, []).append(column)
    return tables


def _p(value: float) -> str:
    return "" if pd.isna(value) else shown(float(value))


def gap_rows(gap: pd.DataFrame) -> list[dict[str, str]]:
    """Return the averages of the paper's tables that were run, printed, in the paper's order."""
    averages = gap[(gap["language"] == AVERAGE) & gap["ours"].notna()]
    return [
        {
            "table": "I" if row["table"] == 1 else "II",
            "shots": str(row["shots"]),
            "row": row["row"],
            "run": row["run"],
            "ours": percent(row["ours"]),
            "interval": interval(row["low"], row["high"]),
            "paper": percent(row["paper"]),
            "difference": signed(row["difference"]),
            "bounds": interval(row["difference_low"], row["difference_high"], plus=True),
        }
        for row in averages.to_dict("records")
    ]


def gap_summary(gap: pd.DataFrame) -> str:
    """Say how many of the paper's numbers were run, and how far ours are from them."""
    made = gap[gap["ours"].notna()]
    said = f"Of the {len(gap)} numbers in the paper's tables, {len(made)} have a counterpart here."
    if made.empty:
        return said
    within = ((made["difference_low"] <= 0) & (made["difference_high"] >= 0)).sum()
    distance = made["difference"].abs()
    farthest = made.iloc[int(distance.argmax())]
    return (
        f"{said} The paper's value lies within our 95 % interval for {within} of them. "
        f"The distance is {percent(distance.mean())} points on average; the largest is "
        f"{signed(farthest['difference'])} points ({farthest['row']}, {farthest['shots']} shots, "
        f"{farthest['language']}). The paper's numbers carry an uncertainty of their own, which "
        "it does not print and which is not in these intervals."
    )


def further(tables: Mapping[str, pd.DataFrame], params: Params) -> list[dict[str, str]]:
    """Return the variants that are in no figure and not in Table II."""
    intervals, differences = tables["intervals"], tables["differences"]
    seen = set(tables["sweeps"]["run"]) | set(tables["table2"]["run"])
    wanted = (
        {run for block in VARIANTS for run in getattr(params, block).runs}
        - seen
        - {*params.grid.runs}
    )
    lead = differences[differences["language"] == AVERAGE].set_index(["other", "shots"])
    rows = []
    for row in intervals[intervals["language"] == AVERAGE].to_dict("records"):
        if row["run"] not in wanted:
            continue
        key = (row["run"], row["shots"])
        ahead = lead.loc[key] if key in lead.index else None
        rows.append(
            {
                "run": row["run"],
                "shots": str(row["shots"]),
                "mean": percent(row["mean"]),
                "interval": interval(row["low"], row["high"]),
                "lead": "" if ahead is None else signed(ahead["difference"]),
                "bounds": "" if ahead is None else interval(ahead["low"], ahead["high"], plus=True),
            }
        )
    return rows
