"""Table II for reading: Markdown and LaTeX, the paper's values and p-values beside ours."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.captions import Code, comparability, subject
from pipeline.evaluation.printing import (
    Entries,
    entries,
    in_latex,
    latex_heads,
    latex_table,
    markdown_table,
    p_text,
    tex_escaped,
)
from pipeline.evaluation.rendering import by_language, shots_text
from pipeline.evaluation.table2 import ORIGINAL, P_VALUES, PRINTED, with_original
from pipeline.evaluation.tables import AVERAGE, languages_of
from pipeline.params.whole import Params

NONE = "No run of comparison.table2 has cells at the shots of ablations beside the reference."

TESTS = (
    "p (paper's test): the test that gives the p-values which the paper prints, found by "
    'recomputation, since the paper says "two-tailed t-tests" and no more: an independent '
    "t-test between two rows of numbers, the languages' means and their average. It is not "
    "sound: it counts the average as one more observation, takes one language under two runs "
    "for two unrelated ones, so that the spread between languages hides the difference between "
    "runs, and takes the languages for independent, though they share the models and the test "
    "pairs.",
    "p (seeds): paired t-test on the seeds' averages over languages. It asks whether new seeds "
    "would differ likewise; with few seeds it is sound but weak.",
    "p (McNemar): McNemar's test on the predictions, each test pair with its rows in all "
    "languages and seeds one cluster. It asks whether these trained models would differ "
    "likewise on new test pairs.",
    "Both of the latter stand after Holm's correction over the rows of this table, in brackets "
    "before it; empty: not computed, because there is one seed or no difference.",
)
"""What the columns of p-values mean, one paragraph each."""


@dataclass(frozen=True)
class Row:
    """One row of Table II beside its accuracies, as text; "" where there is none.

    Attributes:
        run: our run.
        seeds: their number.
        lost: the points by which its average is below the reference's.
        p: the p-values of ours by column.
        printed: the paper's p-value.
    """

    run: str
    seeds: str
    lost: str
    p: dict[str, str]
    printed: str


Rows = dict[tuple[int, str], Row]
"""By (shots, variant)."""


def table2_caption(params: Params, *, pairs: int, code: Code) -> str:
    """Say what Table II is of.

    Args:
        params: names the data, the backbone, the languages and the reference.
        pairs: the number of distinct test pairs.
        code: sets paths.
    """
    return (
        f"{subject(params, pairs=pairs, code=code)}: mean and sample standard deviation over "
        f"seeds. The row {ORIGINAL} is the run {code(params.comparison.reference)}; the others "
        f"lack a part of it. Bold: the best at these shots. "
        f"{comparability(params, table='Table II')}"
    )


def table2_entries(mean: pd.DataFrame, std: pd.DataFrame, paper: pd.DataFrame) -> Entries:
    """Print the accuracies of Table II, by (shots, variant).

    Args:
        mean: the rows of table2.csv.
        std: what `table2.table2_std` returns.
        paper: data/paper/table2.csv.
    """
    return entries(*(_as_table1(table) for table in (mean, std, with_original(paper))))


def table2_rows(mean: pd.DataFrame, std: pd.DataFrame, paper: pd.DataFrame) -> Rows:
    """Print what stands beside the accuracies of Table II; arguments as `table2_entries`."""
    names = ["shots", "variant"]
    printed = with_original(paper).set_index(names)[PRINTED].to_dict()
    originals = mean[mean["variant"] == ORIGINAL].set_index("shots")[AVERAGE]
    found: Rows = {}
    for row, seeds in zip(mean.to_dict("records"), std["seeds"], strict=True):
        key = int(row["shots"]), str(row["variant"])
        lost = float(originals[row["shots"]]) - float(row[AVERAGE])
        found[key] = Row(
            run=str(row["run"]),
            seeds=str(seeds),
            lost="" if key[1] == ORIGINAL else f"{lost:.1f}",
            p={column: p_text(float(row[column])) for column in P_VALUES},
            printed=p_text(float(printed.get(key, float("nan")))),
        )
    return found


def table2_markdown(table: Entries, rows: Rows, *, caption: str, gaps: str = "") -> str:
    """Return table2.md: for each number of shots the accuracies and what the tests say.

    Args:
        table: the printed accuracies.
        rows: the printed p-values.
        caption: what `table2_caption` says, paths in backticks.
        gaps: what `gaps.table2_gaps` says.
    """
    lines = ["# Table II: the method without one of its parts", ""]
    if not table:
        return "\n".join([*lines, f"{NONE} {gaps}".strip()]) + "\n"
    lines += [f"{caption} {gaps}".strip(), ""]
    lines += ["Each entry: mean ± standard deviation (the paper's value).", ""]
    lines += [line for text in TESTS for line in (text, "")]
    for k in dict.fromkeys(shots for shots, _ in table):
        variants = [variant for shots, variant in table if shots == k]
        tests = [_in_markdown(variant, rows[k, variant]) for variant in variants]
        heads = ["", "run", "seeds", "points lost", "p (paper's test)", "the paper's p"]
        lines += [f"## {shots_text(k)}", "", *by_language(table, k, variants), ""]
        lines += [*markdown_table([*heads, "p (seeds)", "p (McNemar)"], tests), ""]
    return "\n".join(lines)


def table2_latex(table: Entries, rows: Rows, *, caption: str, gaps: str = "") -> str:
    r"""Return table2.tex: the layout of the paper, and under each of our rows the paper's.

    Args:
        table: the printed accuracies.
        rows: the printed p-values.
        caption: what `table2_caption` says, paths in `\texttt`.
        gaps: what `gaps.table2_gaps` says.
    """
    if not table:
        return f"% {NONE} {gaps}".strip() + "\n"
    columns = list(next(iter(table.values())))
    return latex_table(
        caption=" ".join([caption, *map(tex_escaped, (*filter(None, [gaps]), *TESTS))]),
        label="table2",
        columns=f"ll{'r' * len(columns)}lll",
        heads=[
            "Shots",
            "Models",
            *latex_heads(columns),
            "p (paper's test)",
            "p (seeds)",
            "p (McNemar)",
        ],
        rows=list(_latex_rows(table, rows)),
    )


def in_short(mean: pd.DataFrame, paper: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Give the rows of Table II without the languages, as text.

    Args:
        mean: the rows of table2.csv.
        paper: data/paper/table2.csv.

    Yields:
        shots, variant, run, average, the paper's, points lost, p (paper's test), the paper's p,
        p (seeds) and p (McNemar) after Holm's correction.
    """
    unknown = mean.assign(seeds=0, **dict.fromkeys(languages_of(mean), float("nan")))
    rows = table2_rows(mean, unknown, paper)
    for (shots, variant), entry in table2_entries(mean, unknown, paper).items():
        row, average = rows[shots, variant], entry[AVERAGE]
        p_values = row.p["p_paper"], row.printed, row.p["p_seeds_holm"], row.p["p_mcnemar_holm"]
        yield str(shots), variant, row.run, average.mean, average.paper, row.lost, *p_values


def _in_markdown(variant: str, row: Row) -> list[str]:
    p = row.p
    return [
        *(variant, row.run, row.seeds, row.lost, p["p_paper"], row.printed),
        *(_corrected(p[f"{test}_holm"], p[test]) for test in ("p_seeds", "p_mcnemar")),
    ]


def _latex_rows(table: Entries, rows: Rows) -> Iterator[str]:
    last = None
    for (shots, variant), entry in table.items():
        if shots != last:
            yield r"\midrule"
        row, first = rows[shots, variant], str(shots) if shots != last else ""
        tests = (
            _corrected(row.p[f"{test}_holm"], row.p[test]) for test in ("p_seeds", "p_mcnemar")
        )
        p_values = [tex_escaped(text) for text in (row.p["p_paper"], *tests)]
        accuracies = map(in_latex, entry.values())
        yield " & ".join([first, tex_escaped(variant), *accuracies, *p_values]) + r" \\"
        theirs = [one.paper for one in entry.values()]
        if any(theirs) or row.printed:
            texts = [rf"\textit{{{text}}}" if text else "" for text in (*theirs, row.printed)]
            yield " & ".join(["", r"\quad\textit{paper}", *texts, "", ""]) + r" \\"
        last = shots


def _corrected(corrected: str, before: str) -> str:
    return f"{corrected} ({before})" if corrected else ""


def _as_table1(table: pd.DataFrame) -> pd.DataFrame:
    renamed = table.rename(columns={"variant": "method"})
    return renamed[["shots", "method", *languages_of(table), AVERAGE]]
