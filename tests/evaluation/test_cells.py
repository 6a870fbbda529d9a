import numpy as np
import pytest

from pipeline.artifacts import PREDICTIONS, read_table
from pipeline.errors import InputError
from pipeline.evaluation.cells import read_cells
from pipeline.evaluation.metrics import accuracy_by_language

FIRST, SECOND = ("sp", 16, 1), ("mpt", 16, 1)


def test_cells_in_the_order_given_rows_by_language_and_pair(write_cell):
    write_cell(FIRST, {"en": "110", "de": "100"})
    write_cell(SECOND, {"en": "111", "de": "011"})
    cells = read_cells([SECOND, FIRST], ["en", "de"])
    assert cells.languages == ("de", "en")
    assert cells.pairs == 3
    assert list(cells.correct) == [SECOND, FIRST]
    assert cells.correct[SECOND].tolist() == [False, True, True, True, True, True]
    assert cells.pair.tolist() == [0, 1, 2, 0, 1, 2]
    assert cells.accuracy(FIRST) == pytest.approx([100 / 3, 200 / 3])


def test_accuracy_is_bit_for_bit_that_of_the_cells_own_metrics(write_cell):
    path = write_cell(FIRST, {"en": "1101001", "de": "1000100", "sw": "1110111"})
    cells = read_cells([FIRST], ["en", "de", "sw"])
    own = accuracy_by_language(read_table(path, PREDICTIONS))
    assert cells.accuracy(FIRST).tolist() == list(own.values())


def test_the_order_of_rows_in_a_file_does_not_matter(write_cell):
    def shuffled(table):
        return table.sample(frac=1, random_state=0)

    write_cell(FIRST, {"en": "110100", "de": "100010"})
    write_cell(SECOND, {"en": "110100", "de": "100010"}, edit=shuffled)
    cells = read_cells([FIRST, SECOND], ["en", "de"])
    assert np.array_equal(cells.correct[FIRST], cells.correct[SECOND])


def test_a_missing_cell_names_the_file_and_the_command(write_cell):
    write_cell(FIRST, {"en": "1"})
    with pytest.raises(InputError) as error:
        read_cells([FIRST, SECOND], ["en"])
    assert str(error.value) == (
        "data/runs/mpt/k16/s1/predictions.parquet: expected the predictions of a cell that "
        "params.yaml names, found no such file (make it: mpt train mpt --shots 16 --seed 1)"
    )


def test_other_cells_lying_around_are_not_read(write_cell):
    write_cell(FIRST, {"en": "10"})
    stray = write_cell(("sp", 16, 9), {"en": "10"})
    stray.write_bytes(b"no Parquet at all")
    assert list(read_cells([FIRST], ["en"]).correct) == [FIRST]


def test_a_damaged_cell_is_named(write_cell):
    write_cell(FIRST, {"en": "10"}).write_bytes(b"no Parquet at all")
    with pytest.raises(InputError, match=r"k16/s1/predictions.parquet: expected a Parquet file"):
        read_cells([FIRST], ["en"])


def test_a_cell_without_rows_is_named(write_cell):
    write_cell(FIRST, {"en": "1"}, edit=lambda table: table.iloc[:0])
    with pytest.raises(InputError, match="expected predictions, found no rows"):
        read_cells([FIRST], ["en"])


def test_no_cells_at_all():
    with pytest.raises(InputError, match=r"params.yaml: grid: expected at least one run"):
        read_cells([], ["en"])


def relabelled(table):
    table.loc[1, "label"] = 0
    return table


@pytest.mark.parametrize(
    ("right", "edit", "message"),
    [
        ({"en": "11"}, None, "expected the 4 test rows of .*sp/k16/s1.*, found 2 rows"),
        ({"en": "11", "de": "111"}, None, "pair_id: .* found 'p2', which the first cell has not"),
        ({"en": "11", "fr": "11"}, None, r"language: expected .*\(de, en\), found 'fr'"),
        (
            {"en": "11", "de": "11"},
            relabelled,
            "language en, pair_id p1: expected label 1 as in .*, found 0",
        ),
    ],
)
def test_a_cell_of_other_test_pairs_is_named(write_cell, right, edit, message):
    write_cell(FIRST, {"en": "10", "de": "01"})
    write_cell(SECOND, right, **({"edit": edit} if edit else {}))
    with pytest.raises(InputError, match=f"data/runs/mpt/k16/s1/predictions.parquet: {message}"):
        read_cells([FIRST, SECOND], ["en", "de"])


def test_a_language_of_params_that_no_row_has_is_named(write_cell):
    write_cell(FIRST, {"en": "10"})
    with pytest.raises(InputError, match=r"expected rows in every language .* none in de, fr"):
        read_cells([FIRST], ["en", "fr", "de"])
