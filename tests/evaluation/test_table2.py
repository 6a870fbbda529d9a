import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.files import COMPARED, P_VALUES, PAPER_TABLE2
from pipeline.evaluation.intervals import differences
from pipeline.evaluation.significance import compare, holm
from pipeline.evaluation.tables import table2, table2_std, with_original
from pipeline.params.grid import Comparison

COMPARISON = Comparison(
    reference="mpt", baseline="sp", table2={"no-translator": "bare", "no-mpt": "sp"}
)
COLUMNS = ["shots", "variant", "run", "de", "en", "avg", *COMPARED, *P_VALUES]
RIGHT = {
    ("sp", 16, 1): {"en": "110000", "de": "100000"},
    ("sp", 16, 2): {"en": "110000", "de": "110000"},
    ("mpt", 16, 1): {"en": "111000", "de": "110000"},
    ("mpt", 16, 2): {"en": "111111", "de": "111000"},
    ("mpt", 4, 1): {"en": "111000", "de": "110000"},
    ("sp", 4, 1): {"en": "011000", "de": "010000"},
    ("bare", 16, 2): {"en": "111011", "de": "110000"},
    ("bare", 16, 3): {"en": "000000", "de": "000000"},
    ("bare", 4, 3): {"en": "111011", "de": "110000"},
}


@pytest.fixture
def cells(cells_of):
    return cells_of(RIGHT)


def made(cells, comparison=COMPARISON, shots=(16, 4)):
    ahead = differences(cells, Bootstrap(cells, replicates=40), reference=comparison.reference)
    return table2(cells, ahead, comparison, shots)


def test_rows_and_means_by_hand(cells):
    table = made(cells)
    assert list(table.columns) == COLUMNS
    assert table[["shots", "variant", "run"]].to_numpy().tolist() == [
        [16, "original", "mpt"],
        [16, "no-translator", "bare"],
        [16, "no-mpt", "sp"],
        [4, "original", "mpt"],
        [4, "no-mpt", "sp"],
    ]
    # Of 6 pairs mpt has 3 and 6 right in en, 2 and 3 in de.
    assert table.loc[0, ["de", "en", "avg"]].to_list() == pytest.approx([250 / 6, 450 / 6, 350 / 6])
    # Over the one of its two seeds that mpt has.
    assert table.loc[1, ["de", "en"]].to_list() == pytest.approx([200 / 6, 500 / 6])
    assert table["seeds"].to_list() == [2, 1, 2, 1, 1]


def test_a_difference_and_its_interval_are_those_of_the_shared_seeds(cells):
    table = made(cells)
    # Of seed 2: (6 + 3) of 12 against (5 + 2) of 12; over both seeds mpt has 7 of 12.
    assert table.at[1, "difference"] == pytest.approx(100 * 2 / 12)
    ahead = differences(cells, Bootstrap(cells, replicates=40), reference="mpt")
    ahead = ahead[ahead["language"] == "avg"].set_index(["other", "shots"])
    for row in table[table["variant"] != "original"].to_dict("records"):
        expected = ahead.loc[(row["run"], row["shots"]), ["seeds", "difference", "low", "high"]]
        assert [row[column] for column in COMPARED] == expected.to_list()
    assert table.loc[table["variant"] == "original", COMPARED[1:]].isna().all(axis=None)


def test_p_values_are_those_of_the_tests_over_common_seeds(cells):
    table = made(cells)
    p_values = ["p_paper", "p_seeds", "p_mcnemar"]
    assert table.loc[table["variant"] == "original", p_values].isna().all(axis=None)
    tests = compare(cells, "mpt", "sp", shots=16)
    names = ("paper_independent_t_16_columns", "paired_t_seeds", "mcnemar_clustered")
    assert table.loc[2, p_values].to_list() == [tests[name].p_value for name in names]
    # One common seed: no test over seeds, but one over pairs.
    assert pd.isna(table.at[1, "p_seeds"])
    assert table.at[1, "p_mcnemar"] == pytest.approx(
        compare(cells, "mpt", "bare", shots=16)["mcnemar_clustered"].p_value
    )


def test_holm_is_over_the_rows_of_all_shots(cells):
    table = made(cells)
    rows = table[table["variant"] != "original"]
    assert rows["p_mcnemar_holm"].to_list() == holm(rows["p_mcnemar"]).tolist()
    assert (rows["p_mcnemar_holm"] > rows["p_mcnemar"]).any()
    assert rows["p_seeds_holm"].isna().to_list() == rows["p_seeds"].isna().to_list()


def test_deviations_are_over_the_same_seeds(cells):
    table = made(cells)
    std = table2_std(cells, table, COMPARISON)
    assert std.at[0, "en"] == pytest.approx(50 / 2**0.5)
    assert std.loc[[1, 3, 4], ["de", "en", "avg"]].isna().all(axis=None)


def test_shots_without_variants_or_reference_have_no_rows(cells):
    nothing = COMPARISON.model_copy(update={"table2": {"no-external-data": "far"}})
    assert made(cells, nothing).empty
    absent = COMPARISON.model_copy(update={"reference": "other"})
    empty = made(cells, absent)
    assert empty.empty
    assert list(empty.columns)[:4] == ["shots", "variant", "run", "de"]
    assert made(cells, shots=()).empty


def test_the_name_of_the_references_row_is_taken(cells):
    taken = COMPARISON.model_copy(update={"table2": {"original": "sp"}})
    with pytest.raises(InputError, match=r"comparison.table2: expected no row named original"):
        made(cells, taken)


def test_the_papers_reference_is_the_row_without_a_p_value(home):
    assert with_original(PAPER_TABLE2.read())["variant"].to_list() == [
        "original",
        "no-consistency",
        "no-external-data",
        "no-translator",
        "no-mpt",
    ]
