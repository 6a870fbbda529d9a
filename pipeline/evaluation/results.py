"""All that `mpt tables` writes into results/, from the cells that params.yaml names."""

from typing import Any

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation import rendering, rendering_table2
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.captions import caption, chance_line
from pipeline.evaluation.cells import Cells, read_cells
from pipeline.evaluation.comparisons import significance
from pipeline.evaluation.gaps import table2_gaps
from pipeline.evaluation.intervals import differences, gain, intervals
from pipeline.evaluation.paper_gap import paper_gap
from pipeline.evaluation.printing import entries, tex_escaped
from pipeline.evaluation.sweeps import sweeps
from pipeline.evaluation.table2 import PRINTED, read_paper_table2, table2, table2_std
from pipeline.evaluation.tables import (
    PAPER,
    accuracy_table,
    confusion,
    curves,
    read_table1,
    summary,
    table1,
    table1_std,
)
from pipeline.params.whole import CELLS, Params

Contents = pd.DataFrame | str | dict[str, Any]
"""Of a CSV file, of a Markdown or LaTeX file, or of a JSON file."""


def results(params: Params) -> dict[str, Contents]:
    """Compute every file of results/, by its name.

    All of it is there before the first is written: an error leaves the last results whole.

    Raises:
        InputError: there are no cells, one is missing or damaged, or a table of the paper's is.
    """
    if not params.grid.cells:
        raise InputError("params.yaml: grid: expected at least one run, shots and seed, found none")
    paper1 = read_table1(PAPER / "table1.csv")
    paper2 = read_paper_table2(PAPER / "table2.csv")
    cells = read_cells(params.cells, params.languages.all)
    reference, blocks = params.comparison.reference, {b: getattr(params, b) for b in CELLS}
    bootstrap = Bootstrap(cells)
    spread = intervals(cells, bootstrap)
    ahead = differences(cells, bootstrap, reference=reference)
    accuracy = accuracy_table(cells)
    mean, std = table1(accuracy, params.grid), table1_std(accuracy, params.grid)
    rows_of_table2 = dict.fromkeys(paper2.loc[paper2[PRINTED].isna(), "variant"], reference)
    return {
        "accuracy.csv": accuracy,
        **_table1(params, mean, std, paper1, pairs=cells.pairs),
        **_table2(params, cells, paper2),
        "intervals.csv": spread,
        "differences.csv": ahead,
        "gain.csv": gain(ahead, baseline=params.comparison.baseline),
        "sweeps.csv": sweeps(
            cells,
            spread,
            reference=reference,
            variants=(*params.sweeps.runs, *params.ablations.runs),
            shots=params.sweeps.shots,
        ),
        "paper_gap.csv": paper_gap(
            spread,
            {1: paper1, 2: paper2},
            # A run of the grid is named as its method, and the rows of Table I are methods.
            {
                1: {run: run for run in params.grid.runs},
                2: rows_of_table2 | params.comparison.table2,
            },
        ),
        "significance.csv": significance(cells, blocks, reference=reference),
        "confusion.csv": confusion(cells),
        "curves.csv": curves(mean),
        "metrics.json": summary(mean, reference=reference, pairs=cells.pairs),
    }


def _table1(
    params: Params, mean: pd.DataFrame, std: pd.DataFrame, paper: pd.DataFrame, *, pairs: int
) -> dict[str, Contents]:
    printed, chance = entries(mean, std, paper), chance_line(mean, pairs=pairs)
    in_markdown, in_latex = (
        caption(params, pairs=pairs, code=code) for code in (_in_markdown, _in_latex)
    )
    return {
        "table1.csv": mean,
        "table1_std.csv": std,
        "table1.md": rendering.markdown(printed, caption=in_markdown, chance=chance),
        "table1.tex": rendering.latex(printed, caption=in_latex, chance=chance),
    }


def _table2(params: Params, cells: Cells, paper: pd.DataFrame) -> dict[str, Contents]:
    mean = table2(cells, params.comparison, params.ablations.shots)
    std = table2_std(cells, mean)
    printed = rendering_table2.table2_entries(mean, std, paper)
    rows = rendering_table2.table2_rows(mean, std, paper)
    in_markdown, in_latex = (
        rendering_table2.table2_caption(params, pairs=cells.pairs, code=code)
        for code in (_in_markdown, _in_latex)
    )
    gaps = table2_gaps(params)
    return {
        "table2.csv": mean,
        "table2.md": rendering_table2.table2_markdown(
            printed, rows, caption=in_markdown, gaps=gaps
        ),
        "table2.tex": rendering_table2.table2_latex(printed, rows, caption=in_latex, gaps=gaps),
    }


def _in_markdown(path: str) -> str:
    return f"`{path}`"


def _in_latex(path: str) -> str:
    return rf"\texttt{{{tex_escaped(path)}}}"
