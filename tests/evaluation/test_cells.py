from hashlib import sha256

import numpy as np
import pytest

from pipeline.artifacts import Table, read_table, write_table
from pipeline.cells.files import PREDICTIONS
from pipeline.cells.metrics import accuracy_by_language, cell_metrics
from pipeline.errors import InputError
from pipeline.evaluation.cells import read_cells
from tests.evaluation.project import frame, write_metrics

FIRST, SECOND = ("sp", 16, 1), ("mpt", 16, 1)


def shuffled(table):
    return table.sample(frac=1, random_state=0)


def test_cells_in_the_order_given_rows_by_language_and_pair(write_cell):
    write_cell(FIRST, {"en": "110", "de": "100"})
    write_cell(SECOND, {"en": "111", "de": "011"})
    cells = read_cells([SECOND, FIRST], ["en", "de"])
    assert cells.languages == ("de", "en")
    assert list(cells.pair_ids) == ["p0", "p1", "p2"]
    assert cells.pairs == 3
    assert list(cells.predicted) == [SECOND, FIRST]
    assert cells.correct(SECOND).tolist() == [[False, True, True], [True, True, True]]
    assert cells.label.tolist() == [[0, 1, 2], [0, 1, 2]]
    # A wrong prediction is the next label.
    assert cells.predicted[SECOND].tolist() == [[1, 1, 2], [0, 1, 2]]
    assert cells.predicted[SECOND].dtype == np.int8
    assert cells.accuracies("sp", 16, [1]) == pytest.approx(np.array([[100 / 3, 200 / 3]]))


def test_accuracy_is_bit_for_bit_that_of_the_cells_own_metrics(write_cell):
    path = write_cell(FIRST, {"en": "1101001", "de": "1000100", "sw": "1110111"})
    cells = read_cells([FIRST], ["en", "de", "sw"])
    own = accuracy_by_language(read_table(path, PREDICTIONS))
    assert cells.accuracies("sp", 16, [1]).tolist() == [list(own.values())]


def test_the_order_of_rows_may_change_from_file_to_file(write_cell):
    cells = [("sp", 16, seed) for seed in (1, 2, 3, 4)]
    for cell in cells:
        edit = {"edit": shuffled} if cell[2] in (2, 3) else {}
        write_cell(cell, {"en": "110100", "de": "100010"}, **edit)
    read = read_cells(cells, ["en", "de"])
    for cell in cells:
        assert read.correct(cell).astype(int).tolist() == [[1, 0, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0]]


def test_a_missing_cell_names_the_file_and_the_command(write_cell):
    write_cell(FIRST, {"en": "1"})
    with pytest.raises(InputError) as error:
        read_cells([FIRST, SECOND], ["en"])
    assert str(error.value) == (
        "data/runs/mpt/k16/s1/predictions.parquet: expected the predictions of a cell that "
        "params.yaml names, found no such file (make it: mpt train mpt --shots 16 --seed 1)"
    )


def test_other_cells_are_not_read(write_cell):
    write_cell(FIRST, {"en": "10"})
    write_cell(("sp", 16, 9), {"en": "10"}).write_bytes(b"no Parquet at all")
    assert list(read_cells([FIRST], ["en"]).predicted) == [FIRST]


def test_a_damaged_cell_is_named(write_cell):
    write_cell(FIRST, {"en": "10"}).write_bytes(b"no Parquet at all")
    with pytest.raises(InputError, match=r"k16/s1/predictions.parquet: expected a Parquet file"):
        read_cells([FIRST], ["en"])


def test_a_cell_without_rows_is_named(write_cell):
    path = write_cell(FIRST, {"en": "1"})
    write_table(frame([]), path, PREDICTIONS)
    with pytest.raises(InputError, match="expected predictions, found no rows"):
        read_cells([FIRST], ["en"])


def relabelled(table):
    table.loc[1, "label"] = 0
    return table


@pytest.mark.parametrize(
    ("right", "edit", "message"),
    [
        ({"en": "11"}, {}, "language de: expected a row for each of 2 test pairs, found 0"),
        ({"en": "11", "de": "1"}, {}, "language de: expected a row for each of 2 .*, found 1"),
        (
            {"en": "11", "de": "111"},
            {},
            "pair_id: expected .* of .*test.parquet, found 'p2'",
        ),
        ({"en": "11", "fr": "11"}, {}, r"language: expected .*\(de, en\), found 'fr'"),
        (
            {"en": "11", "de": "11"},
            {"edit": relabelled},
            "language en, pair_id p1: expected label 1 as in data/corpora/test.parquet, found 0",
        ),
    ],
)
def test_a_cell_of_other_test_pairs_is_named(write_cell, right, edit, message):
    write_cell(FIRST, {"en": "10", "de": "01"})
    write_cell(SECOND, right, **edit)
    with pytest.raises(InputError, match=f"data/runs/mpt/k16/s1/predictions.parquet: {message}"):
        read_cells([FIRST, SECOND], ["en", "de"])


@pytest.mark.parametrize("right", [{"en": "101"}, {"en": "101", "de": "01"}])
def test_a_test_set_without_some_rows_is_named(write_cell, right):
    write_cell(FIRST, right)
    message = (
        rf"data/corpora/test.parquet: language de: expected a row for each of 3 .*, "
        rf"found {len(right) * 2 - 2}"
    )
    with pytest.raises(InputError, match=message):
        read_cells([FIRST], ["en", "de"])


def test_a_repeated_row_is_named(write_cell):
    write_cell(FIRST, {"en": "10"})
    path = write_cell(SECOND, {"en": "10"})
    loose = Table(PREDICTIONS.schema, tuple(PREDICTIONS.schema.names), sealed=False)
    table = frame([("en", "p0", 0, 0), ("en", "p0", 0, 1)])
    write_table(table, path, loose)
    digest = sha256(path.read_bytes()).hexdigest()
    write_metrics(SECOND, **cell_metrics(table), predictions_sha256=digest)
    with pytest.raises(InputError, match="expected one row per language and pair_id, found"):
        read_cells([FIRST, SECOND], ["en"])


def test_groups_and_the_seeds_that_two_runs_share(cells_of):
    cells = [("sp", 16, 2), ("sp", 16, 1), ("mpt", 16, 2), ("mpt", 16, 3), ("sp", 1, 1)]
    read = cells_of({cell: {"en": "10"} for cell in cells})
    assert read.groups() == {("sp", 16): (1, 2), ("mpt", 16): (2, 3), ("sp", 1): (1,)}
    assert read.common_seeds("mpt", "sp", shots=16) == (2,)
    assert read.common_seeds("mpt", "sp", shots=1) == ()
