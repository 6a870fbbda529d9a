"""What the page prints of the tables: headline, Table II, distance from the paper, further runs."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from pipeline.evaluation import files
from pipeline.evaluation.files import AVERAGE, COMPARED, P_VALUES, languages_of
from pipeline.evaluation.intervals import shots_of_gain
from pipeline.evaluation.printing import Row, by_shots, printed_rows
from pipeline.evaluation.tables import with_original
from pipeline.evaluation.words import counted, interval, percent, signed
from pipeline.params.whole import VARIANTS, Params

P_ROWS = {
    "p_paper": "p (paper's test)",
    "p_seeds": "p (seeds)",
    "p_seeds_holm": "p (seeds), Holm over Table II",
    "p_mcnemar": "p (McNemar)",
    "p_mcnemar_holm": "p (McNemar), Holm over Table II",
}
"""The last rows of Table II by column of table2.csv."""


class Tile(NamedTuple):
    """A number and what it is."""

    number: str
    unit: str
    what: str


def headline(tables: Mapping[files.Csv, pd.DataFrame], params: Params) -> list[Tile]:
    """Return the reference's accuracy and lead at the shots of Figure 3, and where it leads.

    There are none if reference and baseline have no cells at the same shots.
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
    at = counted(shots, "shot")
    what = f"mean accuracy of {reference} at {at} ({interval(mean['low'], mean['high'])})"
    tiles = [Tile(percent(mean["mean"]), "%", what)]
    what = f"{reference} over {baseline} at {at} ({interval(low, high, signed)})"
    tiles.append(Tile(signed(difference), "points", what))
    grid = means[means["run"].isin(params.table1.runs)]
    if reference in set(grid["run"]):
        # A mean that another run also has is the highest too, as in Table I.
        best = grid.loc[grid["mean"] == grid.groupby("shots")["mean"].transform("max")]
        what = (
            f"numbers of shots at which {reference} has the highest mean of "
            f"{counted(grid['run'].nunique(), 'run')}"
        )
        number = f"{(best['run'] == reference).sum()} of {grid['shots'].nunique()}"
        tiles.append(Tile(number, "", what))
    what = (
        f"languages in which the whole 95 % interval of the lead over {baseline} at {at} is above "
        "0 (not corrected for testing several languages)"
    )
    return [*tiles, Tile(f"{(by_language['low'] > 0).sum()} of {len(by_language)}", "", what)]


def papers_table2(ours: pd.DataFrame, paper: pd.DataFrame) -> dict[int, list[Row]]:
    """Return the paper's own Table II by shots, its rows without a run.

    It is empty if some of its shots are in ours, or if it has none of our languages.
    """
    if not languages_of(paper) or set(ours["shots"]) & set(paper["shots"]):
        return {}
    missing = dict.fromkeys((*COMPARED, *P_VALUES), float("nan"))
    return by_shots(printed_rows(with_original(paper).assign(run="", **missing), paper))


def gap_rows(gap: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the averages of the paper's tables that were run, in the paper's order."""
    return gap[(gap["language"] == AVERAGE) & gap["ours"].notna()].to_dict("records")


def gap_summary(gap: pd.DataFrame) -> str:
    """Return how many of the paper's numbers were run, and how far ours are from them."""
    made = gap[gap["ours"].notna()]
    numbers = f"{len(gap)} numbers in the paper's tables for these languages"
    text = f"Counterparts here: {len(made)} of the {numbers}."
    if made.empty:
        return text
    within = ((made["difference_low"] <= 0) & (made["difference_high"] >= 0)).sum()
    distance = made["difference"].abs()
    farthest = made.iloc[int(distance.argmax())]
    return (
        f"{text} The paper's value lies within our 95 % interval for {within} of them. The "
        f"distance is {percent(distance.mean())} points on average; the largest is "
        f"{signed(farthest['difference'])} points ({farthest['row']}, "
        f"{counted(farthest['shots'], 'shot')}, {farthest['language']}). The paper's numbers have "
        "an uncertainty of their own, which it does not print and these intervals do not include."
    )


def further(tables: Mapping[files.Csv, pd.DataFrame], params: Params) -> list[dict[Hashable, Any]]:
    """Return the variants that are in no figure and not in Table II, with their leads."""
    variants = {cell[:2] for block in VARIANTS for cell in getattr(params, block).cells}
    for csv in (files.SWEEPS, files.TABLE2):
        shown = tables[csv][["run", "shots"]]
        variants -= set(shown.itertuples(index=False, name=None))
    means, leads = (
        tables[csv][tables[csv]["language"] == AVERAGE]
        for csv in (files.INTERVALS, files.DIFFERENCES)
    )
    places = pd.MultiIndex.from_frame(means[["run", "shots"]])
    means = means[places.isin(variants)] if variants else means.head(0)
    leads = leads.rename(columns={"run": "reference", "other": "run"})
    rows = means.merge(leads, on=["run", "shots"], how="left", suffixes=("", "_lead"))
    return rows.to_dict("records")


def gap_of_headline(tables: Mapping[files.Csv, pd.DataFrame], params: Params) -> str:
    """Return the paper's accuracy and lead for the shots of the headline; "" if it has none."""
    reference, baseline = params.comparison.reference, params.comparison.baseline
    paper = tables[files.PAPER_TABLE1]
    shots = shots_of_gain(tables[files.DIFFERENCES], baseline=baseline)
    printed = paper[paper["shots"] == shots].set_index("method")[AVERAGE].dropna()
    if shots is None or not {reference, baseline} <= set(printed.index):
        return ""
    lead = signed(printed[reference] - printed[baseline])
    return (
        f"The headline in the paper: {percent(printed[reference])} % for {reference} at "
        f"{counted(shots, 'shot')}, {lead} points over {baseline}."
    )
