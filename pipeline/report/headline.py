"""The few numbers at the top of the page."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from pipeline.evaluation import files
from pipeline.evaluation.files import AVERAGE, languages_of
from pipeline.evaluation.intervals import shots_of_gain
from pipeline.evaluation.words import counted, interval, percent, signed
from pipeline.params.whole import Params


class Tile(NamedTuple):
    """A number and what it is."""

    number: str
    unit: str
    what: str
    beside: str = ""


def headline(tables: Mapping[files.Csv, pd.DataFrame], params: Params) -> list[Tile]:
    """Return the reference's accuracy and lead at the shots of Figure 3, and where it leads.

    Returns:
        Nothing if reference and baseline have no cells at the same shots.
    """
    reference, baseline = params.comparison.reference, params.comparison.baseline
    means, lead = tables[files.INTERVALS], tables[files.DIFFERENCES]
    shots = shots_of_gain(lead, baseline=baseline)
    if shots is None:
        return []
    means = means[means["language"] == AVERAGE]
    mean = means[(means["run"] == reference) & (means["shots"] == shots)].iloc[0]
    lead = lead[(lead["other"] == baseline) & (lead["shots"] == shots)]
    average, by_language = (lead[(lead["language"] == AVERAGE) == kind] for kind in (True, False))
    difference, low, high = average[["difference", "low", "high"]].iloc[0]
    accuracy, ahead = _papers(tables[files.PAPER_TABLE1], params, shots=shots)
    at = counted(shots, "shot")
    what = f"mean accuracy of {reference} at {at} ({interval(mean['low'], mean['high'])})"
    tiles = [Tile(percent(mean["mean"]), "%", what, accuracy)]
    what = f"{reference} over {baseline} at {at} ({interval(low, high, signed)})"
    tiles.append(Tile(signed(difference), "points", what, ahead))
    grid = means[means["run"].isin(params.grid.runs)]
    if reference in set(grid["run"]):
        best = grid.loc[grid.groupby("shots")["mean"].idxmax(), "run"]
        what = (
            f"numbers of shots at which {reference} has the highest mean of "
            f"{grid['run'].nunique()} runs"
        )
        tiles.append(Tile(f"{(best == reference).sum()} of {len(best)}", "", what))
    what = (
        f"languages in which the whole 95 % interval of the lead over {baseline} at {at} is above "
        "0 (not corrected for testing several languages)"
    )
    return [*tiles, Tile(f"{(by_language['low'] > 0).sum()} of {len(by_language)}", "", what)]


def _papers(paper: pd.DataFrame, params: Params, *, shots: int) -> tuple[str, str]:
    """Return the paper's accuracy and lead, "" if it has none or is about other languages."""
    reference, baseline = params.comparison.reference, params.comparison.baseline
    printed = paper[paper["shots"] == shots].set_index("method")[AVERAGE]
    # The paper's mean is over its own languages.
    if set(languages_of(paper)) != set(params.languages.all) or reference not in printed.index:
        return "", ""
    ahead = signed(printed[reference] - printed[baseline]) if baseline in printed.index else ""
    accuracy = f"the paper's: {percent(printed[reference])}"
    return accuracy, f"the paper's: {ahead}" if ahead else ""
