"""Tables I and II for reading: their rows as text, in Markdown and in LaTeX."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation import published
from pipeline.evaluation.captions import COMPARED_HEADS, EACH_ENTRY, P_HEADS
from pipeline.evaluation.files import AVERAGE, COMPARED, P_VALUES, PRINTED_P, languages_of
from pipeline.evaluation.tables import with_original
from pipeline.evaluation.words import (
    MINUS,
    counted,
    interval,
    p_value,
    percent,
    run_name,
    signed,
)

_TEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", MINUS: "$-$"}
)


@dataclass(frozen=True)
class Entry:
    """Mean and standard deviation over seeds, and the paper's value, as text; "" if missing."""

    mean: str
    std: str
    paper: str
    best: bool
    """Whether no row at these shots has a higher printed mean in this column."""


@dataclass(frozen=True)
class Row:
    """A row of Table I, a method, or of Table II, a variant."""

    shots: int
    name: str
    entries: Mapping[str, Entry]
    """By language, then "avg"."""
    run: str = ""
    """Our run; this and all that follows is only in Table II."""
    seeds: str = ""
    lost: str = ""
    """By how many points its average is below the reference's, over these seeds."""
    bounds: str = ""
    """The 95 % interval of that."""
    p: Mapping[str, float] = field(default_factory=dict)
    """By column of table2.csv, and the paper's as PRINTED_P; NaN if missing."""

    def compared(self) -> list[str]:
        """Return the seeds and the points lost with their interval, under COMPARED_HEADS."""
        return [self.seeds, f"{self.lost} ({self.bounds})" if self.lost else ""]

    def tests(self) -> list[str]:
        """Return the p-values under P_HEADS, uncorrected ones in brackets; [] for Table I."""
        if not self.p:
            return []
        texts = {column: p_value(p) for column, p in self.p.items()}
        both = ((texts[f"{test}_holm"], texts[test]) for test in ("p_seeds", "p_mcnemar"))
        return [texts["p_paper"], *(f"{holm} ({plain})" if holm else "" for holm, plain in both)]


def printed_rows(
    mean: pd.DataFrame, paper: pd.DataFrame, std: pd.DataFrame | None = None
) -> list[Row]:
    """Print every number of Table I or II and mark the best of each column.

    The best is chosen among printed numbers: rows that tie to one decimal are all best.

    `paper` is the paper's table as `comparable` returns it. `std` has the standard deviations of
    the rows of `mean`.
    """
    name, columns = "variant" if "variant" in mean else "method", [*languages_of(mean), AVERAGE]
    theirs, shots = _papers_rows(paper, mean, name), mean["shots"]
    means, papers = _texts(mean[columns]), _texts(theirs)
    stds = _texts(mean[columns] * np.nan if std is None else std[columns])
    numbers = means.apply(pd.to_numeric)
    best = numbers.eq(numbers.groupby(shots).transform("max"))
    best = best.mul(shots.duplicated(keep=False), axis=0)
    rows = []
    for at, row in enumerate(mean.to_dict("records")):
        entries = {
            c: Entry(means[c][at], stds[c][at], papers[c][at], bool(best[c][at])) for c in columns
        }
        printed = Row(row["shots"], run_name(row[name]), entries)
        if name == "variant":
            p = {c: float(row[c]) for c in P_VALUES} | {PRINTED_P: float(theirs[PRINTED_P][at])}
            printed = _with_comparison(replace(printed, run=row["run"], p=p), row)
        rows.append(printed)
    return rows


def _with_comparison(printed: Row, row: Mapping[Hashable, Any]) -> Row:
    seeds, difference, low, high = (row[column] for column in COMPARED)
    return replace(
        printed,
        seeds="" if pd.isna(seeds) else str(seeds),
        lost="" if pd.isna(difference) else signed(difference),
        bounds="" if pd.isna(difference) else interval(low, high, signed),
    )


def _papers_rows(paper: pd.DataFrame, mean: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the paper's row for each of ours, missing if it has none."""
    theirs = with_original(paper) if name == "variant" else paper
    theirs = mean[["shots", name]].merge(theirs, on=["shots", name], how="left")
    return theirs.reindex(columns=[*languages_of(mean), AVERAGE, PRINTED_P])


def by_shots(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Return the rows of each number of shots."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.shots, []).append(row)
    return groups


def markdown(
    rows: Sequence[Row], *, title: str, paragraphs: Sequence[str], last: Sequence[str] = ()
) -> str:
    """Return table1.md or table2.md: paragraphs, the tables of each number of shots, and `last`.

    Languages are rows here, not columns as in the paper, so that the raw text is readable too.
    """
    parts = [f"# {title}", *paragraphs]
    groups = by_shots(rows)
    if rows and not rows[0].p:
        names = list(dict.fromkeys(row.name for row in rows))
        averages = [["shots", *names]]
        for k, of in groups.items():
            means = {row.name: _in_markdown(row.entries[AVERAGE]) for row in of}
            averages.append([str(k), *(means.get(name, "") for name in names)])
        languages = counted(len(rows[0].entries) - 1, "language")
        parts += [f"## Mean over {languages}", markdown_table(averages)]
    for k, of in groups.items():
        by_language = [["", *(row.name for row in of)]]
        for code in of[0].entries:
            by_language.append([code, *(_in_markdown(row.entries[code]) for row in of)])
        parts += [f"## {counted(k, 'shot')}", markdown_table(by_language)]
        if of[0].p:
            tests = [["", "run", *COMPARED_HEADS, P_HEADS[0], "the paper's p", *P_HEADS[1:]]]
            for row in of:
                first, *rest = row.tests()
                p_values = first, p_value(row.p[PRINTED_P]), *rest
                tests.append([row.name, row.run, *row.compared(), *p_values])
            parts.append(markdown_table(tests))
    return "\n\n".join([*parts, *last]) + "\n"


def published_section(rows: Sequence[published.Beside], note: str) -> list[str]:
    """Return the end of table1.md: numbers of other papers; [] without any."""
    table = [[*published.HEADS], *map(list, rows)]
    return [f"## {published.TITLE}", note, markdown_table(table)] if rows else []


def latex(rows: Sequence[Row], *, paragraphs: Sequence[str]) -> str:
    """Return table1.tex or table2.tex: as wide as the page, the paper's row under each of ours."""
    if not rows:
        return f"% {' '.join(paragraphs)}\n"
    languages = [code.upper() if code != AVERAGE else "Avg." for code in rows[0].entries]
    more = (*COMPARED_HEADS, *P_HEADS) if rows[0].p else ()
    name, label = ("Models", "table2") if more else ("Method", "table1")
    caption = tex(" ".join(text for text in paragraphs if text not in ("", EACH_ENTRY)))
    lines = [
        r"% Needs \usepackage{booktabs,graphicx}.",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{ll{'r' * len(languages)}{'l' * len(more)}}}",
        r"\toprule",
        _latex_row(["Shots", name, *languages, *map(tex, more)]),
    ]
    for k, of in by_shots(rows).items():
        lines.append(r"\midrule")
        for row in of:
            ours = [str(k) if row is of[0] else "", tex(row.name)]
            ours += map(_in_latex, row.entries.values())
            theirs = [entry.paper for entry in row.entries.values()]
            if row.p:
                ours += map(tex, (*row.compared(), *row.tests()))
                theirs += ["", "", p_value(row.p[PRINTED_P]), "", ""]
            lines.append(_latex_row(ours))
            if any(theirs):
                texts = [rf"\textit{{{text}}}" if text else "" for text in theirs]
                lines.append(_latex_row(["", r"\quad\textit{paper}", *texts]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}", r"\end{table*}"]) + "\n"


def caption_of(text: str) -> str:
    """Return the paragraphs above the tables of table1.md, without title and backticks."""
    paragraphs = text.partition("\n## ")[0].replace("`", "").strip().split("\n\n")[1:]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph != EACH_ENTRY)


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    return table.select_dtypes("number").map(lambda number: percent(number, missing=""))


def _in_markdown(entry: Entry) -> str:
    """Return "**43.4** ± 0.5 (43.4)": mean, deviation, the paper's value."""
    text = f"**{entry.mean}**" if entry.best else entry.mean
    text += f" ± {entry.std}" if entry.std else ""
    return text + (f" ({entry.paper})" if entry.paper else "")


def markdown_table(table: list[list[str]]) -> str:
    """Return a table, heads first, padded so that the raw text is aligned."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = [":" + "-" * (width - 1) if width > 1 else "-" for width in widths]
    lines = [
        " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in (table[0], rule, *table[1:])
    ]
    return "\n".join(f"| {line} |" for line in lines)


def tex(text: str) -> str:
    r"""Return text in LaTeX: specials escaped, and what is in backticks in `\texttt`."""
    parts = [part.translate(_TEX) for part in text.split("`")]
    return "".join(rf"\texttt{{{part}}}" if at % 2 else part for at, part in enumerate(parts))


def _latex_row(texts: Sequence[str]) -> str:
    return rf"{' & '.join(texts)} \\"


def _in_latex(entry: Entry) -> str:
    r"""Return "$\mathbf{43.4}_{\pm 0.5}$": mean and deviation."""
    mean = rf"\mathbf{{{entry.mean}}}" if entry.best else entry.mean
    return f"${mean}" + (rf"_{{\pm {entry.std}}}$" if entry.std else "$")
