"""All files that `mpt tables` writes into results/, from the cells that params.yaml names."""

from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation import captions, files, printing
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.cells import Cells, read_cells
from pipeline.evaluation.intervals import differences, gain, intervals
from pipeline.evaluation.paper_gap import paper_gap
from pipeline.evaluation.significance import significance
from pipeline.evaluation.sweeps import sweeps
from pipeline.evaluation.table2 import table2, table2_std
from pipeline.evaluation.tables import accuracy_table, confusion, curves, summary, table1
from pipeline.params.whole import CELLS, Params

Contents = dict[Path, pd.DataFrame | str | dict[str, Any]]
"""By file: a table for CSV, text for Markdown and LaTeX, a mapping for JSON."""


def results(params: Params) -> Contents:
    """Compute every file of results/.

    The caller writes them when all are computed, so an error leaves the last results intact.

    Raises:
        InputError: there are no cells, one is missing or damaged, or a table of the paper's is.
    """
    if not params.grid.cells:
        raise InputError("params.yaml: grid: expected at least one run, shots and seed, found none")
    paper1, paper2 = files.PAPER_TABLE1.read(), files.PAPER_TABLE2.read()
    cells = read_cells(params.cells, params.languages.all)
    reference, baseline = params.comparison.reference, params.comparison.baseline
    bootstrap = Bootstrap(cells)
    spread = intervals(cells, bootstrap)
    ahead = differences(cells, bootstrap, reference=reference)
    accuracy = accuracy_table(cells)
    mean = table1(accuracy, params.grid)
    blocks = {block: getattr(params, block) for block in CELLS}
    variants = (*params.sweeps.runs, *params.ablations.runs)
    of_sweeps = sweeps(
        cells, spread, reference=reference, variants=variants, shots=params.sweeps.shots
    )
    originals = paper2.loc[paper2[files.PRINTED_P].isna(), "variant"]
    # Runs of the grid have the names of their methods, which are the rows of Table I.
    runs = {
        1: {run: run for run in params.grid.runs},
        2: dict.fromkeys(originals, reference) | params.comparison.table2,
    }
    return {
        files.ACCURACY.path: accuracy,
        **_table1(params, mean, table1(accuracy, params.grid, "std"), paper1, pairs=cells.pairs),
        **_table2(params, cells, paper2),
        files.INTERVALS.path: spread,
        files.DIFFERENCES.path: ahead,
        files.GAIN.path: gain(ahead, baseline=baseline),
        files.SWEEPS.path: of_sweeps,
        files.PAPER_GAP.path: paper_gap(spread, {1: paper1, 2: paper2}, runs),
        files.SIGNIFICANCE.path: significance(cells, blocks, reference=reference),
        files.CONFUSION.path: confusion(cells),
        files.RESULTS / "curves.csv": curves(mean),
        files.RESULTS / "metrics.json": summary(mean, reference=reference, pairs=cells.pairs),
    }


def _table1(
    params: Params, mean: pd.DataFrame, std: pd.DataFrame, paper: pd.DataFrame, *, pairs: int
) -> Contents:
    rows = printing.printed_rows(mean, paper, std)
    caption = captions.table1_caption(params, pairs=pairs)
    chance = captions.chance_line(mean, pairs=pairs)
    return {
        files.TABLE1.path: mean,
        files.TABLE1_STD.path: std,
        files.RESULTS / "table1.md": printing.table1_markdown(rows, caption=caption, chance=chance),
        files.RESULTS / "table1.tex": printing.table1_latex(rows, caption=caption, chance=chance),
    }


def _table2(params: Params, cells: Cells, paper: pd.DataFrame) -> Contents:
    mean = table2(cells, params.comparison, params.ablations.shots)
    rows = printing.printed_rows(mean, paper, table2_std(cells, mean))
    caption = captions.table2_caption(params, pairs=cells.pairs)
    gaps = captions.table2_gaps(params)
    return {
        files.TABLE2.path: mean,
        files.RESULTS / "table2.md": printing.table2_markdown(rows, caption=caption, gaps=gaps),
        files.RESULTS / "table2.tex": printing.table2_latex(rows, caption=caption, gaps=gaps),
    }
