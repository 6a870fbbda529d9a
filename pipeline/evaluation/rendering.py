"""Table I for reading: Markdown and LaTeX, the paper's values beside ours."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.blocks import LABELS
from pipeline.config import Params
from pipeline.evaluation.metrics import at_chance
from pipeline.evaluation.tables import AVERAGE, beside, languages_of

XNLI = "facebook/xnli"
XLM_R_BASE = ("FacebookAI/xlm-roberta-base", "xlm-roberta-base")


@dataclass(frozen=True)
class Entry:
    """One cell of Table I, as numbers of one decimal, "" where there is none.

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
    """Print every number of Table I to one decimal and mark the best of each column.

    The best is chosen among printed numbers: methods that tie to one decimal are all best.

    Args:
        mean: our Table I, percent.
        std: its standard deviations, percentage points, rows and columns as in `mean`.
        paper: the paper's Table I, percent.
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


def caption(params: Params, *, pairs: int, code: Callable[[str], str]) -> str:
    """Say what Table I is of, what the paper's numbers are of, and how far they compare.

    Args:
        params: names the data, the backbone, the languages and the seeds.
        pairs: the number of distinct test pairs.
        code: sets a path or a Hub id in the markup's type for code.
    """
    data, backbone, seeds = params.datasets.xnli.path, params.backbone.path, params.grid.seeds
    numbers = ", ".join(str(seed) for seed in seeds)
    several = f"mean and sample standard deviation over {len(seeds)} seeds ({numbers})"
    one = f"one seed ({numbers}), so no standard deviation"
    if data == XNLI and backbone in XLM_R_BASE:
        compare = "Ours name the same data set and backbone."
    else:
        compare = (
            "Ours name another data set or backbone: unless these hold XNLI and XLM-R-base "
            "themselves, compare the order of the methods at most, never the numbers."
        )
    return (
        f"Accuracy in percent with the backbone {code(backbone)} on the {pairs} test pairs of "
        f"{code(data)} in {len(params.languages.all)} languages: "
        f"{several if len(seeds) > 1 else one}. Bold: the best method at these shots. "
        f"The paper's values (Qiu et al. 2024, Table I) are of XLM-R-base on XNLI, means over "
        f"5 seeds. {compare}"
    )


def chance_line(mean: pd.DataFrame, *, pairs: int) -> str:
    """Name the rows of Table I whose average is not significantly above chance.

    Args:
        mean: our Table I, percent.
        pairs: the number of distinct test pairs.
    """
    stuck: dict[str, list[str]] = {}
    for shots, method, average in zip(mean["shots"], mean["method"], mean[AVERAGE], strict=True):
        if at_chance(float(average), pairs):
            stuck.setdefault(str(method), []).append(str(shots))
    chance = f"{100 / len(LABELS):.1f} percent"
    guess = f"{chance}; one-sided exact binomial over {pairs} pairs, 5 percent level"
    if not stuck:
        return f"Every average is above chance ({guess})."
    rows = "; ".join(f"{method} at k = {', '.join(shots)}" for method, shots in stuck.items())
    return f"Not above chance ({guess}): {rows}."


def markdown(table: Entries, *, caption: str, chance: str) -> str:
    """Return table1.md: the averages, then one table for each number of shots.

    Languages are rows here, not columns as in the paper, so that the raw text can be read too.

    Args:
        table: the printed numbers.
        caption: what `caption` says, paths in backticks.
        chance: what `chance_line` says.
    """
    lines = ["# Table I: accuracy (%)", "", caption, "", chance, ""]
    lines += ["Each entry: mean ± standard deviation (the paper's value).", ""]
    lines += ["## Mean over the languages", ""]
    methods = list(dict.fromkeys(method for _, method in table))
    all_shots = list(dict.fromkeys(shots for shots, _ in table))
    rows = [
        [str(k), *(_in_markdown(table[k, method][AVERAGE]) for method in methods)]
        for k in all_shots
    ]
    lines += _markdown_table(["shots", *methods], rows)
    for k in all_shots:
        columns = list(table[k, methods[0]])
        rows = [
            [column, *(_in_markdown(table[k, method][column]) for method in methods)]
            for column in columns
        ]
        lines += [
            "",
            f"## {k} {'shot' if k == 1 else 'shots'}",
            "",
            *_markdown_table(["", *methods], rows),
        ]
    return "\n".join(lines) + "\n"


def caption_of(text: str) -> str:
    """Return what stands between the title and the first table of table1.md, without backticks."""
    _, _, body = text.partition("\n")
    return body.partition("\n## ")[0].strip().replace("`", "")


def latex(table: Entries, *, caption: str, chance: str) -> str:
    r"""Return table1.tex: the layout of the paper, and under each of our rows the paper's.

    Args:
        table: the printed numbers.
        caption: what `caption` says, paths in `\texttt`.
        chance: what `chance_line` says.
    """
    columns = list(next(iter(table.values())))
    heads = [column.upper() if column != AVERAGE else "Avg." for column in columns]
    lines = [
        r"% Needs \usepackage{booktabs,graphicx}.",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{caption} {tex_escaped(chance)}}}",
        r"\label{tab:table1}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{ll{'r' * len(columns)}}}",
        r"\toprule",
        rf"{' & '.join(['Shots', 'Method', *heads])} \\",
        *_latex_rows(table),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _latex_rows(table: Entries) -> Iterator[str]:
    last = None
    for (shots, method), row in table.items():
        if shots != last:
            yield r"\midrule"
        first = str(shots) if shots != last else ""
        yield " & ".join([first, tex_escaped(method), *map(_in_latex, row.values())]) + r" \\"
        if any(entry.paper for entry in row.values()):
            theirs = [rf"\textit{{{e.paper}}}" if e.paper else "" for e in row.values()]
            yield " & ".join(["", r"\quad\textit{paper}", *theirs]) + r" \\"
        last = shots


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


def _printed(table: pd.DataFrame, columns: list[str]) -> list[dict[str, str]]:
    return [
        {c: "" if np.isnan(v) else f"{v:.1f}" for c, v in zip(columns, values, strict=True)}
        for values in table[columns].to_numpy(dtype=np.float64)
    ]


def _in_markdown(entry: Entry) -> str:
    text = f"**{entry.mean}**" if entry.best else entry.mean
    text += f" ± {entry.std}" if entry.std else ""
    return text + (f" ({entry.paper})" if entry.paper else "")


def _in_latex(entry: Entry) -> str:
    mean = rf"\mathbf{{{entry.mean}}}" if entry.best else entry.mean
    return f"${mean}" + (rf"_{{\pm {entry.std}}}$" if entry.std else "$")


def _markdown_table(heads: list[str], rows: list[list[str]]) -> list[str]:
    # Padded, so that the raw text reads as a table too.
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    rule = [":" + "-" * (width - 1) if width > 1 else "-" for width in widths]
    return [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in (heads, rule, *rows)
    ]
