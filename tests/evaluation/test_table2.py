import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.evaluation.files import PAPER_TABLE2
from pipeline.evaluation.significance import compare, holm
from pipeline.evaluation.tables import table2, table2_std, with_original
from pipeline.params.grid import Comparison

COMPARISON = Comparison(
    reference="mpt", baseline="sp", table2={"no-translator": "bare", "no-mpt": "sp"}
)
COLUMNS = ["shots", "variant", "run", "de", "en", "avg", "p_paper", "p_seeds", "p_seeds_holm"]
RIGHT = {
    ("sp", 16, 1): {"en": "110000", "de": "100000"},
    ("sp", 16, 2): {"en": "110000", "de": "110000"},
    ("mpt", 16, 1): {"en": "111000", "de": "110000"},
    ("mpt", 16, 2): {"en": "111111", "de": "111000"},
    ("mpt", 4, 1): {"en": "111000", "de": "110000"},
    ("sp", 4, 1): {"en": "011000", "de": "010000"},
    ("bare", 16, 2): {"en": "111011", "de": "110000"},
    ("bare", 16, 3): {"en": "000000", "de": "000000"},
}


@pytest.fixture
def cells(cells_of):
    return cells_of(RIGHT)


def test_rows_and_means_by_hand(cells):
    table = table2(cells, COMPARISON, (16, 4))
    assert list(table.columns) == [*COLUMNS, "p_mcnemar", "p_mcnemar_holm"]
    assert table[["shots", "variant", "run"]].to_numpy().tolist() == [
        [16, "original", "mpt"],
        [16, "no-translator", "bare"],
        [16, "no-mpt", "sp"],
        [4, "original", "mpt"],
        [4, "no-mpt", "sp"],
    ]
    # Of 6 pairs mpt has 3 and 6 right in en, 2 and 3 in de.
    assert table.loc[0, ["de", "en", "avg"]].to_list() == pytest.approx([250 / 6, 450 / 6, 350 / 6])
    # Over its own two seeds; mpt has one of them.
    assert table.loc[1, ["de", "en"]].to_list() == pytest.approx([100 / 6, 250 / 6])


def test_p_values_are_those_of_the_tests_over_common_seeds(cells):
    table = table2(cells, COMPARISON, (16, 4))
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
    table = table2(cells, COMPARISON, (16, 4))
    rows = table[table["variant"] != "original"]
    assert rows["p_mcnemar_holm"].to_list() == holm(rows["p_mcnemar"]).tolist()
    assert (rows["p_mcnemar_holm"] > rows["p_mcnemar"]).any()
    assert rows["p_seeds_holm"].isna().to_list() == rows["p_seeds"].isna().to_list()


def test_deviations_and_numbers_of_seeds(cells):
    table = table2(cells, COMPARISON, (16, 4))
    std = table2_std(cells, table)
    assert std["seeds"].to_list() == [2, 2, 2, 1, 1]
    assert std.at[0, "en"] == pytest.approx(50 / 2**0.5)
    assert std.loc[3:, ["de", "en", "avg"]].isna().all(axis=None)


def test_shots_without_variants_or_reference_have_no_rows(cells):
    nothing = COMPARISON.model_copy(update={"table2": {"no-external-data": "far"}})
    assert table2(cells, nothing, (16,)).empty
    absent = COMPARISON.model_copy(update={"reference": "other"})
    empty = table2(cells, absent, (16, 4))
    assert empty.empty
    assert list(empty.columns)[:4] == ["shots", "variant", "run", "de"]
    assert table2(cells, COMPARISON, ()).empty


def test_the_name_of_the_references_row_is_taken(cells):
    taken = COMPARISON.model_copy(update={"table2": {"original": "sp"}})
    with pytest.raises(InputError, match=r"comparison.table2: expected no row named original"):
        table2(cells, taken, (16,))


def test_the_papers_reference_is_the_row_without_a_p_value(home):
    assert with_original(PAPER_TABLE2.read())["variant"].to_list() == [
        "original",
        "no-consistency",
        "no-external-data",
        "no-translator",
        "no-mpt",
    ]
