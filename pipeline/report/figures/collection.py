"""All figures that the tables have numbers for."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from pipeline.evaluation import files
from pipeline.evaluation.captions import sweep_gaps
from pipeline.evaluation.comparability import comparability, part_of_test
from pipeline.evaluation.intervals import shots_of_gain
from pipeline.params.whole import Params
from pipeline.report.figures.confusion import confusion
from pipeline.report.figures.curves import curves
from pipeline.report.figures.figure import Figure
from pipeline.report.figures.gain import gain
from pipeline.report.figures.heatmap import heatmap
from pipeline.report.figures.sweeps import categorical, numeric

EMPTY = {
    "figure3": "Figure 3 was not drawn: reference and baseline have no cells at the same shots.",
    "figure4": "Figure 4 was not drawn: no run varies a setting whose values are words.",
    "figure5": "Figure 5 was not drawn: no run varies a setting whose values are numbers.",
    "curves": "The curves were not drawn: no run of the grid has cells.",
    "heatmap": "The heat maps were not drawn: no run of the grid has cells.",
    "confusion": "The confusions were not drawn: the reference has no cells at these shots.",
}
"""The text in place of a missing figure, in the order of the figures."""

SWEPT = ("figure4", "figure5")


def empty(params: Params) -> dict[str, str]:
    """Return the text in place of each figure, if it is missing."""
    if not (gaps := sweep_gaps(params)):
        return EMPTY
    swept = {name: f"{EMPTY[name].partition(':')[0]}. {gaps}" for name in SWEPT}
    return EMPTY | swept


def figures(tables: Mapping[files.Csv, pd.DataFrame], params: Params) -> dict[str, Figure | None]:
    """Draw every figure, by name; None if no run has numbers for it."""
    comparison, runs, gaps = params.comparison, params.grid.runs, sweep_gaps(params)
    reference, paper = comparison.reference, tables[files.PAPER_TABLE1]
    intervals, differences = tables[files.INTERVALS], tables[files.DIFFERENCES]
    sweeps, confusions = tables[files.SWEEPS], tables[files.CONFUSION]
    shots = shots_of_gain(differences, baseline=comparison.baseline)
    shots = int(confusions["shots"].max()) if shots is None else shots
    beside = comparability(params)
    drawn = {
        "figure3": gain(differences, paper, comparison, beside=beside),
        "figure4": categorical(sweeps, reference),
        "figure5": numeric(sweeps, reference),
        "curves": curves(intervals, paper, runs, beside=beside),
        "heatmap": heatmap(intervals, differences, runs=runs, comparison=comparison),
        "confusion": confusion(confusions, run=reference, shots=shots),
    }
    part = f"Tested on {part_of_test(params)}." if part_of_test(params) else ""
    for name, figure in drawn.items():
        if figure:
            notes = [figure.caption, part, gaps if name in SWEPT else ""]
            drawn[name] = replace(figure, caption=" ".join(filter(None, notes)))
    return drawn
