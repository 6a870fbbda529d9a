"""The few numbers that stand at the top."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.intervals import shots_of_gain
from pipeline.evaluation.tables import languages_of
from pipeline.params.whole import Params
from pipeline.report.figures.words import AVERAGE, interval, percent, shots_name, signed


@dataclass(frozen=True)
class Tile:
    """A number and what it is."""

    number: str
    unit: str
    what: str
    beside: str


def headline(tables: Mapping[str, pd.DataFrame], paper: pd.DataFrame, params: Params) -> list[Tile]:
    """Return the reference's accuracy and lead at the shots of Figure 3, and where it leads.

    Args:
        tables: the rows of results/*.csv by the name of the file.
        paper: the paper's Table I, percent.
        params: names the runs.

    Returns:
        Nothing where reference and baseline have no cells at the same shots.
    """
    comparison = params.comparison
    differences = tables["differences"]
    shots = shots_of_gain(differences, baseline=comparison.baseline)
    if shots is None:
        return []
    means = tables["intervals"][tables["intervals"]["language"] == AVERAGE]
    of = means[(means["run"] == comparison.reference) & (means["shots"] == shots)].iloc[0]
    lead = differences[
        (differences["other"] == comparison.baseline)
        & (differences["shots"] == shots)
        & (differences["language"] == AVERAGE)
    ].iloc[0]
    printed = paper[paper["shots"] == shots].set_index("method")[AVERAGE]
    accuracy, ahead = "", ""
    # The paper's mean is over its own languages.
    alike = set(languages_of(paper)) == set(params.languages.all)
    if alike and comparison.reference in printed.index:
        accuracy = f"the paper's: {percent(printed[comparison.reference])}"
        if comparison.baseline in printed.index:
            difference = printed[comparison.reference] - printed[comparison.baseline]
            ahead = f"the paper's: {signed(difference)}"
    where = shots_name(shots)
    return [
        Tile(
            percent(of["mean"]),
            "%",
            f"mean accuracy of {comparison.reference} at {where} "
            f"({interval(of['low'], of['high'])})",
            accuracy,
        ),
        Tile(
            signed(lead["difference"]),
            "points",
            f"{comparison.reference} over {comparison.baseline} at {where} "
            f"({interval(lead['low'], lead['high'], plus=True)})",
            ahead,
        ),
        *_leads(means, differences, params),
    ]


def _leads(means: pd.DataFrame, differences: pd.DataFrame, params: Params) -> list[Tile]:
    """Return at how many shots the reference has the highest mean, and in how many languages."""
    comparison, tiles = params.comparison, []
    grid = means[means["run"].isin(params.grid.runs)]
    if comparison.reference in set(grid["run"]):
        best = grid.loc[grid.groupby("shots")["mean"].idxmax(), "run"]
        tiles.append(
            Tile(
                f"{int((best == comparison.reference).sum())} of {len(best)}",
                "",
                f"numbers of shots at which {comparison.reference} has the highest mean of "
                f"{grid['run'].nunique()} runs",
                "",
            )
        )
    shots = shots_of_gain(differences, baseline=comparison.baseline)
    lead = differences[
        (differences["other"] == comparison.baseline)
        & (differences["shots"] == shots)
        & (differences["language"] != AVERAGE)
    ]
    clear = int((lead["low"] > 0).sum())
    tiles.append(
        Tile(
            f"{clear} of {len(lead)}",
            "",
            f"languages in which the whole 95 % interval of the lead over {comparison.baseline} "
            f"at {shots_name(int(lead['shots'].iloc[0]))} is above 0 (not corrected for looking "
            "at several languages)",
            "",
        )
    )
    return tiles
