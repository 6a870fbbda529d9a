"""All files that `mpt tables` writes into results/."""

from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.evaluation import files, published, tables
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.captions import table1_paragraphs, table2_paragraphs
from pipeline.evaluation.cells import Cells, read_cells
from pipeline.evaluation.intervals import differences, gain, intervals
from pipeline.evaluation.printing import latex, markdown, printed_rows, published_section
from pipeline.evaluation.settings import alike, require_current
from pipeline.evaluation.significance import significance
from pipeline.evaluation.sweeps import sweeps
from pipeline.params.whole import Params

Contents = dict[Path, pd.DataFrame | str | dict[str, Any]]
"""By file: a table for CSV, text for Markdown and LaTeX, a mapping for JSON."""


def results(params: Params) -> Contents:
    """Compute every file of results/, all before the caller writes the first.

    Raises:
        InputError: a cell is missing or damaged, or a table in data/paper/ is.
    """
    printed = files.PAPER_TABLE1.read(), files.PAPER_TABLE2.read()
    require_current(params)
    cells = read_cells(params.cells, params.languages.all, compared=params.compared_languages)
    paper1, paper2 = (tables.comparable(paper, cells.languages) for paper in printed)
    reference = params.comparison.reference
    bootstrap = Bootstrap(cells)
    spread = intervals(cells, bootstrap)
    ahead = differences(cells, bootstrap, reference=reference)
    variants, shots = (*params.sweeps.runs, *params.ablations.runs), params.sweeps.shots
    originals = paper2.loc[~paper2["shots"].duplicated(), "variant"]
    # Rows of the paper's Table I have the names of methods; a run of such a name is of that one.
    runs = {
        1: {run: run for run in params.grid.runs},
        2: dict.fromkeys(originals, reference) | params.comparison.table2,
    }
    return {
        **_table1(params, cells, paper1),
        **_table2(params, cells, ahead, paper2),
        files.INTERVALS.path: spread,
        files.DIFFERENCES.path: ahead,
        files.GAIN.path: gain(ahead, baseline=params.comparison.baseline),
        files.SWEEPS.path: sweeps(
            cells, spread, reference=reference, variants=variants, shots=shots
        ),
        files.PAPER_GAP.path: tables.paper_gap(spread, {1: paper1, 2: paper2}, runs),
        files.SIGNIFICANCE.path: significance(cells, params.blocks, reference=reference),
        files.CONFUSION.path: tables.confusion(cells),
    }


def _table1(params: Params, cells: Cells, paper: pd.DataFrame) -> Contents:
    accuracy, reference = tables.accuracy_table(cells), params.comparison.reference
    mean, std = (tables.table1(accuracy, params.table1, statistic) for statistic in ("mean", "std"))
    rows = printed_rows(mean, paper, std)
    paragraphs, title = table1_paragraphs(params, mean, pairs=cells.pairs), "Table I: accuracy (%)"
    others = published.beside(mean, published.read_published(cells.languages))
    last, caption = published_section(others, published.note(params)), published.sentence(others)
    return {
        files.ACCURACY.path: accuracy,
        files.TABLE1.path: mean,
        files.TABLE1_STD.path: std,
        files.RESULTS / "table1.md": markdown(rows, title=title, paragraphs=paragraphs, last=last),
        files.RESULTS / "table1.tex": latex(rows, paragraphs=[*paragraphs, caption]),
        files.RESULTS / "curves.csv": tables.curves(mean),
        files.RESULTS / "metrics.json": tables.summary(
            mean, reference=reference, pairs=cells.pairs
        ),
    }


def _table2(params: Params, cells: Cells, ahead: pd.DataFrame, paper: pd.DataFrame) -> Contents:
    mean = tables.table2(cells, ahead, params.comparison, params.ablations.shots)
    rows = printed_rows(mean, paper, tables.table2_std(cells, mean, params.comparison))
    notes = alike(params.cells, mean)
    paragraphs = table2_paragraphs(params, mean, pairs=cells.pairs, notes=notes)
    title = "Table II: the method without one of its parts"
    return {
        files.TABLE2.path: mean,
        files.RESULTS / "table2.md": markdown(rows, title=title, paragraphs=paragraphs),
        files.RESULTS / "table2.tex": latex(rows, paragraphs=paragraphs),
    }
