import math
from itertools import product

import pandas as pd
import pytest

from pipeline.evaluation.cells import read_cells
from pipeline.evaluation.comparisons import COLUMNS, significance
from pipeline.evaluation.significance import holm
from pipeline.params.grid import Grid

TESTS = [
    "paper_independent_t_16_columns",
    "paired_t_seeds",
    "paired_t_languages",
    "mcnemar_clustered",
]


@pytest.fixture
def compared(write_cell):
    """Write cells of right answers by (run, shots, seed), compare the grid of them with mpt."""

    def compare(
        right: dict[tuple[str, int, int], dict[str, str]], reference: str = "mpt"
    ) -> pd.DataFrame:
        for cell, bits in right.items():
            write_cell(cell, bits)
        runs, shots, seeds = (tuple(dict.fromkeys(part)) for part in zip(*right, strict=True))
        grid = Grid(runs=runs, shots=shots, seeds=seeds)
        languages = list(next(iter(right.values())))
        cells = read_cells(grid.cells, languages)
        return significance(cells, {"grid": grid}, reference=reference)

    return compare


def one(frame: pd.DataFrame, test: str, **where) -> pd.Series:
    rows = frame[frame["test"] == test]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


TWO_SEEDS = {
    ("sp", 16, 1): {"en": "1100", "de": "1000"},  # 50, 25
    ("sp", 16, 2): {"en": "1100", "de": "1100"},  # 50, 50
    ("mpt", 16, 1): {"en": "1110", "de": "1100"},  # 75, 50
    ("mpt", 16, 2): {"en": "1111", "de": "1110"},  # 100, 75
}


def test_one_row_a_test_for_every_shots_and_other_run(compared):
    bits = {"en": "10", "de": "01"}
    frame = compared(dict.fromkeys(product(["ft", "mpt", "sp"], [1, 4], [1, 2]), bits))
    assert list(frame.columns) == list(COLUMNS)
    assert list(zip(frame["shots"], frame["other"], frame["test"], strict=True)) == [
        (k, other, test) for k in (1, 4) for other in ("ft", "sp") for test in TESTS
    ]
    assert set(frame["run"]) == {"mpt"}


def test_paired_over_seeds_by_hand(compared):
    # Averages of mpt 62.5 and 87.5, of sp 37.5 and 50: differences 25 and 37.5.
    row = one(compared(TWO_SEEDS), "paired_t_seeds")
    assert row["difference"] == pytest.approx(31.25)
    assert row["statistic"] == pytest.approx(31.25 / 6.25)
    assert (row["df"], row["n"]) == (1, 2)
    # One degree of freedom is a Cauchy distribution.
    assert row["p_value"] == pytest.approx(1 - 2 / math.pi * math.atan(5))


def test_paired_over_languages_by_hand(compared):
    # Means of seeds: en 87.5 to 50, de 62.5 to 37.5: differences 37.5 and 25.
    row = one(compared(TWO_SEEDS), "paired_t_languages")
    assert row["statistic"] == pytest.approx(5)
    assert (row["df"], row["n"]) == (1, 2)


def test_the_papers_test_takes_the_average_as_one_more_column(compared):
    # Rows 62.5, 87.5, 75 and 37.5, 50, 43.75: s^2 = 156.25 and 39.0625.
    row = one(compared(TWO_SEEDS), "paper_independent_t_16_columns")
    assert row["statistic"] == pytest.approx(31.25 / math.sqrt((156.25 + 39.0625) / 3))
    assert (row["df"], row["n"]) == (4, 3)
    assert pd.isna(row["p_holm"])


def test_mcnemar_takes_a_pair_over_languages_and_seeds_as_one_cluster(compared):
    # mpt ahead by pair: p0 none, p1 one (de, seed 1), p2 three (en twice, de), p3 one.
    row = one(compared(TWO_SEEDS), "mcnemar_clustered")
    assert row["statistic"] == pytest.approx((1 + 3 + 1) ** 2 / (1 + 9 + 1))
    assert row["n"] == 4
    assert row["difference"] == pytest.approx(100 * 5 / 16)


def test_all_tests_name_the_same_difference(compared):
    assert compared(TWO_SEEDS)["difference"].to_list() == pytest.approx([31.25] * 4)


def test_one_seed_leaves_the_test_over_seeds_empty_and_says_why(compared):
    frame = compared({cell: bits for cell, bits in TWO_SEEDS.items() if cell[2] == 1})
    row = one(frame, "paired_t_seeds")
    assert row[["statistic", "p_value", "p_holm"]].isna().all()
    assert row["note"] == "not computed: needs two seeds, there is one"
    assert not pd.isna(one(frame, "mcnemar_clustered")["p_value"])


def test_every_empty_p_value_has_a_reason(compared):
    same = {"en": "10", "de": "10"}
    frame = compared({("sp", 1, 1): same, ("mpt", 1, 1): same})
    assert frame["p_value"].isna().all()
    assert frame["note"].str.startswith("not computed").all()


def test_holm_is_within_a_test_over_all_shots_and_runs(compared):
    bits = ["110000", "111000", "111011", "101111", "011111", "111111"]
    cells = product(["ft", "sp", "mpt"], [1, 4], [1])
    frame = compared({cell: {"en": b, "de": b[::-1]} for cell, b in zip(cells, bits, strict=True)})
    rows = frame[frame["test"] == "mcnemar_clustered"]
    assert len(rows) == 4
    assert rows["p_holm"].to_list() == pytest.approx(holm(rows["p_value"].to_list()))
    assert (rows["p_holm"] > rows["p_value"]).any()


def test_without_the_reference_there_is_the_header_alone(compared):
    frame = compared({("ft", 1, 1): {"en": "10"}, ("sp", 1, 1): {"en": "01"}})
    assert list(frame.columns) == list(COLUMNS)
    assert frame.empty


def test_the_reference_alone_has_nothing_to_be_compared_with(compared):
    assert compared({("mpt", 1, 1): {"en": "10"}}).empty


def test_any_run_may_be_the_reference(compared):
    frame = compared(TWO_SEEDS, reference="sp")
    assert set(frame["run"]) == {"sp"}
    assert set(frame["other"]) == {"mpt"}
    assert frame["difference"].to_list() == pytest.approx([-31.25] * 4)


BLOCKS = {
    "grid": Grid(runs=("sp", "mpt"), shots=(1, 16), seeds=(1, 2)),
    "ablations": Grid(runs=("plain",), shots=(16,), seeds=(2, 3)),
    "sweeps": Grid(runs=("wide", "long"), shots=(16,), seeds=(3,)),
}


@pytest.fixture
def families(write_cell):
    """The comparisons of three families; `plain` shares seed 2 with mpt, `wide` none."""
    bits = ["110000", "111000", "111011", "101111", "011111", "111111", "010100", "000110"]
    cells = [cell for grid in BLOCKS.values() for cell in grid.cells]
    for cell, b in zip(cells, bits + bits, strict=False):
        write_cell(cell, {"en": b, "de": b[::-1]})
    return significance(read_cells(cells, ["en", "de"]), BLOCKS, reference="mpt")


def test_each_family_stands_in_its_shots_over_the_seeds_of_both(families):
    first = families[families["test"] == "paired_t_seeds"]
    found = first[["family", "shots", "other", "n"]].to_numpy().tolist()
    assert found == [["grid", 1, "sp", 2], ["grid", 16, "sp", 2], ["ablations", 16, "plain", 1]]


def test_the_difference_is_over_the_common_seeds_alone(families, write_cell):
    cells = read_cells([("mpt", 16, 2), ("plain", 16, 2)], ["en", "de"])
    means = [cells.accuracy(cell).mean() for cell in cells.predicted]
    rows = families[families["family"] == "ablations"]
    assert rows["difference"].to_list() == pytest.approx([means[0] - means[1]] * 4)


def test_holm_is_within_a_family(families):
    rows = families[families["test"] == "mcnemar_clustered"].set_index("family")
    assert rows.at["ablations", "p_holm"] == rows.at["ablations", "p_value"]
    assert rows.loc["grid", "p_holm"].to_list() == holm(rows.loc["grid", "p_value"].to_list())
