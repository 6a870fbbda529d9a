"""The headline and the summaries of tables, by hand, where results are level or missing."""

import pandas as pd
import pytest

from pipeline.evaluation.files import (
    DIFFERENCES,
    INTERVALS,
    PAPER_GAP,
    PAPER_TABLE1,
    SWEEPS,
    TABLE2,
)
from pipeline.params.runs import PARAMS
from pipeline.report.facts import profile_name
from pipeline.report.tables import (
    further,
    gap_of_headline,
    gap_rows,
    gap_summary,
    headline,
    papers_table2,
)
from tests.evaluation.project import BARE
from tests.imports import ROOT
from tests.report.by_hand import CODES, LEADS, tables


def tiles(given: dict, params) -> dict[str, str]:
    """Return the numbers of the headline by the first words of what they are."""
    return {
        " ".join(tile.what.split()[:2]): f"{tile.number} {tile.unit}".strip()
        for tile in headline(given, params)
    }


def without(csv, **where) -> dict:
    """Return the hand-made tables without some rows of one."""
    given, gone = tables(), True
    for column, value in where.items():
        gone &= given[csv][column] == value
    return given | {csv: given[csv][~gone]}


def test_the_headline_is_at_the_shots_of_figure_3(params):
    assert tiles(tables(), params) == {
        "mean accuracy": "52.0 %",
        "mpt over": "+3.0 points",
        "numbers of": "1 of 2",
        "languages in": "2 of 4",
    }
    fewer = without(DIFFERENCES, other="sp", shots=16)
    assert tiles(fewer, params) == {
        "mean accuracy": "40.0 %",
        "mpt over": "+2.0 points",
        "numbers of": "1 of 2",
        "languages in": "4 of 4",
    }
    assert headline(without(DIFFERENCES, other="sp"), params) == []


def test_the_headline_is_about_the_reference_and_the_baseline_of_params(params_with):
    given = tables()
    frame = given[DIFFERENCES]
    given[DIFFERENCES] = frame.assign(run="pct", other=frame["other"].replace("pct", "mpt"))
    params = params_with(("reference: mpt, baseline: sp", "reference: pct, baseline: mpt"), *BARE)
    said = [tile.what for tile in headline(given, params)]
    assert said[0] == "mean accuracy of pct at 16 shots (49.5 to 53.0)"
    assert said[1] == "pct over mpt at 16 shots (−0.2 to +1.9)"
    # pct has the highest mean at 4 shots, mpt at 16.
    assert tiles(given, params)["numbers of"] == "1 of 2"


@pytest.mark.parametrize("first", ["mpt", "pct"])
def test_a_mean_that_another_run_has_too_is_the_highest(first, params):
    given = tables()
    frame = given[INTERVALS]
    level = (frame["run"] == "mpt") & (frame["shots"] == 4) & (frame["language"] == "avg")
    frame.loc[level, "mean"] = 42.0
    given[INTERVALS] = frame.sort_values("run", key=lambda runs: runs != first, kind="stable")
    assert tiles(given, params)["numbers of"] == "2 of 2"


def test_an_interval_that_only_touches_0_is_not_above_it(params):
    given = tables()
    frame = given[DIFFERENCES]
    arabic = (frame["other"] == "sp") & (frame["shots"] == 16) & (frame["language"] == "ar")
    frame.loc[arabic, "low"] = 0.0
    assert tiles(given, params)["languages in"] == "1 of 4"


def paper(*rows) -> dict:
    return {PAPER_TABLE1: pd.DataFrame(rows, columns=["shots", "method", "avg"])}


def test_the_papers_headline_is_for_the_same_shots_and_the_same_runs(params):
    known = (4, "sp", 35.0), (4, "mpt", 36.0), (16, "sp", 44.5), (16, "pct", 47.0)
    said = gap_of_headline(tables() | paper(*known, (16, "mpt", 43.25)), params)
    assert said == "The headline in the paper: 43.2 % for mpt at 16 shots, −1.2 points over sp."
    assert gap_of_headline(tables() | paper(*known), params) == ""
    assert gap_of_headline(tables() | paper(*known, (16, "mpt", None)), params) == ""
    assert gap_of_headline(without(DIFFERENCES, other="sp") | paper(*known), params) == ""


@pytest.mark.parametrize(("value", "within"), [(50.5, 1), (50.4, 0), (54.0, 1), (54.1, 0)])
def test_the_papers_value_is_within_our_interval_ends_included(value, within):
    ours = [value - value, 50.5 - value, 54.0 - value]
    row = (1, 16, "mpt", "mpt", "avg", 52.0, 50.5, 54.0, value, *ours)
    said = gap_summary(PAPER_GAP.frame([row]))
    assert f"within our 95 % interval for {within} of them." in said


def test_the_distance_has_no_sign_and_the_largest_has():
    given = tables()[PAPER_GAP]
    given.loc[1, ["difference", "difference_low", "difference_high"]] = [-9.5, -11.0, -7.5]
    # 1.5, 9.5, 6.75 and 0.25.
    assert "distance is 4.5 points on average; the largest is −9.5 points (mpt, 16 shots, sw)" in (
        gap_summary(given)
    )
    assert [row["row"] for row in gap_rows(given)] == ["sp", "mpt", "no-mpt"]


def test_further_are_the_variants_in_no_figure_and_not_in_table_2(params):
    given = tables()
    assert [row["run"] for row in further(given, params)] == ["both"]
    given[SWEEPS] = given[SWEEPS].iloc[1:]
    given[TABLE2] = given[TABLE2].iloc[:0]
    rows = further(given, params)
    assert [row["run"] for row in rows] == ["alpha_01", "both"]
    assert (rows[0]["mean"], rows[0]["low"]) == (49.0, 47.5)
    assert (rows[0]["difference"], rows[0]["low_lead"]) == LEADS["alpha_01", 16]["avg"][:2]


def test_the_papers_table_2_is_shown_apart_if_its_shots_were_not_run():
    numbers = dict.fromkeys(CODES, 50.0) | {"avg": 50.0, "p_value": [None, 0.02]}
    of_paper = pd.DataFrame({"shots": 64, "variant": ["mpt", "no-mpt"]}).assign(**numbers)
    (rows,) = papers_table2(tables()[TABLE2], of_paper).values()
    assert [(row.name, row.entries["sw"].paper, row.p["p_value"]) for row in rows][1] == (
        "no-mpt", "50.0", 0.02,
    )  # fmt: skip
    assert [row.name for row in rows] == ["original", "no-mpt"]
    assert papers_table2(tables()[TABLE2], of_paper.assign(shots=16)) == {}
    assert papers_table2(tables()[TABLE2], of_paper.drop(columns=[*CODES])) == {}


def test_parameters_have_a_profiles_name_only_if_every_value_is_the_profiles(home):
    (home / "profiles").symlink_to(ROOT / "profiles")
    texts = {name: (home / f"profiles/{name}.yaml").read_text() for name in ("paper", "pocket")}
    assert texts["pocket"].count("weight_decay: 0.01") == 1
    edited = texts["pocket"].replace("weight_decay: 0.01", "weight_decay: 0.02")
    for name, text in {"edited": edited, **texts}.items():
        PARAMS.write_text(f"# A comment.\n{text}", encoding="utf-8")
        assert profile_name() == name
