"""significance.csv from cells."""

import math
from itertools import product

import pandas as pd
import pytest

from pipeline.evaluation.cells import read_cells
from pipeline.evaluation.files import SIGNIFICANCE
from pipeline.evaluation.significance import holm, significance
from pipeline.params.grid import Grid

TESTS = [
    "paper_independent_t_16_columns",
    "paired_t_seeds",
    "paired_t_languages",
    "mcnemar_clustered",
]


@pytest.fixture
def compared(cells_of):
    """Write cells of right answers by (run, shots, seed), compare the grid of them with mpt."""

    def compare(
        right: dict[tuple[str, int, int], dict[str, str]], reference: str = "mpt"
    ) -> pd.DataFrame:
        runs, shots, seeds = (tuple(dict.fromkeys(part)) for part in zip(*right, strict=True))
        grid = Grid(runs=runs, shots=shots, seeds=seeds)
        return significance(cells_of(right), {"grid": grid}, reference=reference)

    return compare


def one(table: pd.DataFrame, test: str) -> pd.Series:
    (row,) = table[table["test"] == test].index
    return table.loc[row]


TWO_SEEDS = {
    ("sp", 16, 1): {"en": "1100", "de": "1000"},  # 50, 25
    ("sp", 16, 2): {"en": "1100", "de": "1100"},  # 50, 50
    ("mpt", 16, 1): {"en": "1110", "de": "1100"},  # 75, 50
    ("mpt", 16, 2): {"en": "1111", "de": "1110"},  # 100, 75
}


def test_one_row_per_test_for_every_shots_and_other_run(compared):
    bits = {"en": "10", "de": "01"}
    table = compared(dict.fromkeys(product(["ft", "mpt", "sp"], [1, 4], [1, 2]), bits))
    assert list(table.columns) == list(SIGNIFICANCE.columns)
    assert list(zip(table["shots"], table["other"], table["test"], strict=True)) == [
        (k, other, test) for k in (1, 4) for other in ("ft", "sp") for test in TESTS
    ]
    assert set(table["run"]) == {"mpt"}
    # All answers are alike, so no test can be computed.
    assert table["p_value"].isna().all()
    assert table["note"].str.startswith("not computed").all()


def test_all_tests_by_hand(compared):
    table = compared(TWO_SEEDS)
    assert table["difference"].to_list() == pytest.approx([31.25] * 4)
    # Averages of mpt 62.5 and 87.5, of sp 37.5 and 50: differences 25 and 37.5.
    row = one(table, "paired_t_seeds")
    assert row["statistic"] == pytest.approx(31.25 / 6.25)
    assert (row["df"], row["n"]) == (1, 2)
    # One degree of freedom is a Cauchy distribution.
    assert row["p_value"] == pytest.approx(1 - 2 / math.pi * math.atan(5))
    # Means of seeds: en 87.5 to 50, de 62.5 to 37.5: differences 37.5 and 25.
    row = one(table, "paired_t_languages")
    assert row["statistic"] == pytest.approx(5)
    assert (row["df"], row["n"]) == (1, 2)
    # With the average as one more column: rows 62.5, 87.5, 75 and 37.5, 50, 43.75.
    row = one(table, "paper_independent_t_16_columns")
    assert row["statistic"] == pytest.approx(31.25 / math.sqrt((156.25 + 39.0625) / 3))
    assert (row["df"], row["n"]) == (4, 3)
    assert pd.isna(row["p_holm"])
    # mpt ahead by pair: p0 none, p1 one (de, seed 1), p2 three (en twice, de), p3 one.
    row = one(table, "mcnemar_clustered")
    assert row["statistic"] == pytest.approx((1 + 3 + 1) ** 2 / (1 + 9 + 1))
    assert row["n"] == 4


def test_one_seed_leaves_the_test_over_seeds_empty_and_says_why(compared):
    table = compared({cell: bits for cell, bits in TWO_SEEDS.items() if cell[2] == 1})
    row = one(table, "paired_t_seeds")
    assert row[["statistic", "p_value", "p_holm"]].isna().all()
    assert row["note"] == "not computed: needs two seeds, there is one"
    assert not pd.isna(one(table, "mcnemar_clustered")["p_value"])


def test_holm_is_within_a_test_over_all_shots_and_runs(compared):
    bits = ["110000", "111000", "111011", "101111", "011111", "111111"]
    cells = product(["ft", "sp", "mpt"], [1, 4], [1])
    table = compared({cell: {"en": b, "de": b[::-1]} for cell, b in zip(cells, bits, strict=True)})
    rows = table[table["test"] == "mcnemar_clustered"]
    assert len(rows) == 4
    assert rows["p_holm"].to_list() == holm(rows["p_value"]).tolist()
    assert (rows["p_holm"] > rows["p_value"]).any()


@pytest.mark.parametrize("runs", [("ft", "sp"), ("mpt",)])
def test_without_the_reference_or_another_run_there_is_only_the_header(compared, runs):
    table = compared({(run, 1, 1): {"en": "10"} for run in runs})
    assert list(table.columns) == list(SIGNIFICANCE.columns)
    assert table.empty


def test_any_run_may_be_the_reference(compared):
    table = compared(TWO_SEEDS, reference="sp")
    assert set(table["run"]) == {"sp"}
    assert set(table["other"]) == {"mpt"}
    assert table["difference"].to_list() == pytest.approx([-31.25] * 4)


BLOCKS = {
    "grid": Grid(runs=("sp", "mpt"), shots=(1, 16), seeds=(1, 2)),
    "ablations": Grid(runs=("plain",), shots=(16,), seeds=(2, 3)),
    "sweeps": Grid(runs=("wide", "long"), shots=(16,), seeds=(3,)),
}


@pytest.fixture
def families(cells_of):
    """The comparisons of three families; `plain` shares seed 2 with mpt, `wide` none."""
    bits = ["110000", "111000", "111011", "101111", "011111", "111111", "010100", "000110"]
    cells = [cell for grid in BLOCKS.values() for cell in grid.cells]
    right = {c: {"en": b, "de": b[::-1]} for c, b in zip(cells, bits + bits, strict=False)}
    return significance(cells_of(right), BLOCKS, reference="mpt")


def test_each_family_has_its_shots_and_the_seeds_of_both(families):
    table = families[families["test"] == "paired_t_seeds"]
    rows = table[["family", "shots", "other", "n"]].to_numpy().tolist()
    assert rows == [["grid", 1, "sp", 2], ["grid", 16, "sp", 2], ["ablations", 16, "plain", 1]]


def test_the_difference_is_only_over_the_common_seeds(families):
    cells = read_cells([("mpt", 16, 2), ("plain", 16, 2)], ["en", "de"])
    ours, theirs = (cells.accuracies(run, 16, [2]).mean() for run in ("mpt", "plain"))
    rows = families[families["family"] == "ablations"]
    assert rows["difference"].to_list() == pytest.approx([ours - theirs] * 4)


def test_holm_is_within_a_family(families):
    rows = families[families["test"] == "mcnemar_clustered"].set_index("family")
    assert rows.at["ablations", "p_holm"] == rows.at["ablations", "p_value"]
    assert rows.loc["grid", "p_holm"].to_list() == holm(rows.loc["grid", "p_value"]).tolist()
