"""All figures that the tables have numbers for."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from pipeline.evaluation.gaps import sweep_gaps
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
"""What is said in place of a figure, in the order of the figures."""


def empty(params: Params) -> dict[str, str]:
    """Return what is said in place of each figure that was not drawn."""
    gaps = {name: sweep_gaps(params) for name in ("figure4", "figure5")}
    return {name: f"{text} {gaps.get(name, '')}".strip() for name, text in EMPTY.items()}


def figures(
    tables: Mapping[str, pd.DataFrame], paper: pd.DataFrame, params: Params
) -> dict[str, Figure | None]:
    """Draw every figure, by name; None where nothing was run that it could show.

    Args:
        tables: the rows of results/*.csv by the name of the file.
        paper: the paper's Table I, percent.
        params: names the runs.
    """
    comparison, runs = params.comparison, params.grid.runs
    reference = comparison.reference
    intervals, differences = tables["intervals"], tables["differences"]
    shots = shots_of_gain(differences, baseline=comparison.baseline)
    if shots is None:
        shots = int(tables["confusion"]["shots"].max())
    gaps = sweep_gaps(params)
    return {
        "figure3": gain(differences, paper, comparison),
        "figure4": _with_gaps(categorical(tables["sweeps"], reference), gaps),
        "figure5": _with_gaps(numeric(tables["sweeps"], reference), gaps),
        "curves": curves(intervals, paper, runs),
        "heatmap": heatmap(intervals, differences, runs=runs, comparison=comparison),
        "confusion": confusion(tables["confusion"], run=reference, shots=shots),
    }


def _with_gaps(figure: Figure | None, gaps: str) -> Figure | None:
    return replace(figure, caption=f"{figure.caption} {gaps}".strip()) if figure else None
