"""Table I for reading: Markdown and LaTeX, the paper's values beside ours."""

from collections.abc import Iterator

from pipeline.evaluation.printing import (
    Entries,
    in_latex,
    in_markdown,
    latex_heads,
    latex_table,
    markdown_table,
    tex_escaped,
)
from pipeline.evaluation.tables import AVERAGE


def markdown(table: Entries, *, caption: str, chance: str) -> str:
    """Return table1.md: the averages, then one table for each number of shots.

    Languages are rows here, not columns as in the paper, so that the raw text can be read too.

    Args:
        table: the printed numbers.
        caption: what `captions.caption` says, paths in backticks.
        chance: what `captions.chance_line` says.
    """
    lines = ["# Table I: accuracy (%)", "", caption, "", chance, ""]
    lines += ["Each entry: mean ± standard deviation (the paper's value).", ""]
    lines += ["## Mean over the languages", ""]
    methods = list(dict.fromkeys(method for _, method in table))
    all_shots = list(dict.fromkeys(shots for shots, _ in table))
    rows = [
        [str(k), *(in_markdown(table[k, method][AVERAGE]) for method in methods)] for k in all_shots
    ]
    lines += markdown_table(["shots", *methods], rows)
    for k in all_shots:
        lines += ["", f"## {shots_text(k)}", "", *by_language(table, k, methods)]
    return "\n".join(lines) + "\n"


def by_language(table: Entries, shots: int, methods: list[str]) -> list[str]:
    """Return the lines of a table of methods x languages at one number of shots."""
    columns = list(table[shots, methods[0]])
    rows = [
        [column, *(in_markdown(table[shots, method][column]) for method in methods)]
        for column in columns
    ]
    return markdown_table(["", *methods], rows)


def shots_text(shots: int) -> str:
    """Return "1 shot" or "16 shots"."""
    return f"{shots} {'shot' if shots == 1 else 'shots'}"


def caption_of(text: str) -> str:
    """Return what stands between the title and the first table of table1.md, without backticks."""
    _, _, body = text.partition("\n")
    return body.partition("\n## ")[0].strip().replace("`", "")


def latex(table: Entries, *, caption: str, chance: str) -> str:
    r"""Return table1.tex: the layout of the paper, and under each of our rows the paper's.

    Args:
        table: the printed numbers.
        caption: what `captions.caption` says, paths in `\texttt`.
        chance: what `captions.chance_line` says.
    """
    columns = list(next(iter(table.values())))
    return latex_table(
        caption=f"{caption} {tex_escaped(chance)}",
        label="table1",
        columns=f"ll{'r' * len(columns)}",
        heads=["Shots", "Method", *latex_heads(columns)],
        rows=list(_latex_rows(table)),
    )


def _latex_rows(table: Entries) -> Iterator[str]:
    last = None
    for (shots, method), row in table.items():
        if shots != last:
            yield r"\midrule"
        first = str(shots) if shots != last else ""
        yield " & ".join([first, tex_escaped(method), *map(in_latex, row.values())]) + r" \\"
        if any(entry.paper for entry in row.values()):
            theirs = [rf"\textit{{{e.paper}}}" if e.paper else "" for e in row.values()]
            yield " & ".join(["", r"\quad\textit{paper}", *theirs]) + r" \\"
        last = shots
