"""Numbers as tables print them: one decimal, the best in bold, the paper's beside ours."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.evaluation.tables import AVERAGE, beside, languages_of


@dataclass(frozen=True)
class Entry:
    """One cell of a table, as numbers of one decimal, "" where there is none.

    Attributes:
        mean: over seeds, percent.
        std: the sample standard deviation over seeds, percentage points.
        paper: the paper's value, percent.
        best: whether no method at these shots has a higher printed mean in this column.
    """

    mean: str
    std: str
    paper: str
    best: bool


Entries = Mapping[tuple[int, str], Mapping[str, Entry]]
"""By (shots, method), then by language or "avg"."""


def entries(mean: pd.DataFrame, std: pd.DataFrame, paper: pd.DataFrame) -> Entries:
    """Print every number of a table to one decimal and mark the best of each column.

    The best is chosen among printed numbers: methods that tie to one decimal are all best.

    Args:
        mean: ours, in the form of Table I, percent.
        std: its standard deviations, percentage points, rows and columns as in `mean`.
        paper: the paper's table in the same form, percent.
    """
    columns = [*languages_of(mean), AVERAGE]
    printed, deviations, theirs = (
        _printed(table, columns) for table in (mean, std, beside(mean, paper))
    )
    names = [(int(k), str(method)) for k, method in zip(mean["shots"], mean["method"], strict=True)]
    found: dict[tuple[int, str], dict[str, Entry]] = {}
    for row, (shots, method) in enumerate(names):
        rivals = [place for place, (k, _) in enumerate(names) if k == shots]
        found[shots, method] = {
            column: Entry(
                mean=printed[row][column],
                std=deviations[row][column],
                paper=theirs[row][column],
                best=len(rivals) > 1
                and float(printed[row][column]) == max(float(printed[i][column]) for i in rivals),
            )
            for column in columns
        }
    return found


def p_text(p_value: float) -> str:
    """Return a p-value as the paper prints it, 9.7e-7; "" where it is missing."""
    if np.isnan(p_value):
        return ""
    if p_value == 0.0:
        return "< 5e-324"  # the smallest float
    digits, _, power = f"{p_value:.1e}".partition("e")
    return f"{digits}e{int(power)}" if p_value < 0.01 else f"{p_value:.2g}"


def tex_escaped(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    specials = {character: f"\\{character}" for character in "&%$#_{}"}
    specials |= {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
    return "".join(specials.get(character, character) for character in text)


def in_markdown(entry: Entry) -> str:
    """Return "**43.4** ± 0.5 (43.4)": mean, deviation, the paper's value."""
    text = f"**{entry.mean}**" if entry.best else entry.mean
    text += f" ± {entry.std}" if entry.std else ""
    return text + (f" ({entry.paper})" if entry.paper else "")


def in_latex(entry: Entry) -> str:
    r"""Return "$\mathbf{43.4}_{\pm 0.5}$": mean and deviation."""
    mean = rf"\mathbf{{{entry.mean}}}" if entry.best else entry.mean
    return f"${mean}" + (rf"_{{\pm {entry.std}}}$" if entry.std else "$")


def latex_heads(columns: list[str]) -> list[str]:
    """Return the heads of a table's columns as the paper has them: AR ... ZH, Avg."""
    return [column.upper() if column != AVERAGE else "Avg." for column in columns]


def latex_table(
    *, caption: str, label: str, columns: str, heads: list[str], rows: list[str]
) -> str:
    r"""Return a table over the page's width.

    Args:
        caption: in LaTeX.
        label: what `\ref` calls the table.
        columns: their alignments, as `tabular` takes them.
        heads: the heads of the columns.
        rows: what stands between the heads and the end, rules included.
    """
    lines = [
        r"% Needs \usepackage{booktabs,graphicx}.",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rf"{' & '.join(heads)} \\",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def markdown_table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table, padded, so that the raw text reads as a table too."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    rule = [":" + "-" * (width - 1) if width > 1 else "-" for width in widths]
    return [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in (heads, rule, *rows)
    ]


def _printed(table: pd.DataFrame, columns: list[str]) -> list[dict[str, str]]:
    return [
        {c: "" if np.isnan(v) else f"{v:.1f}" for c, v in zip(columns, values, strict=True)}
        for values in table[columns].to_numpy(dtype=np.float64)
    ]
