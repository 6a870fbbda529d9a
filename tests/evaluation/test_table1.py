import pandas as pd
import pytest

from pipeline.evaluation.cells import read_cells
from pipeline.evaluation.tables import (
    accuracy_table,
    beside,
    confusion,
    curves,
    read_table1,
    summary,
    table1,
    table1_std,
)
from pipeline.params.grid import Grid

GRID = Grid(runs=("sp", "mpt"), shots=(16, 1), seeds=(1, 2))


def accuracies(grid: Grid = GRID) -> pd.DataFrame:
    """Seed s of sp has s in en and 3 s in de; mpt 10 more; more shots, 50 more; an ablation 0."""
    rows = [
        (r, k, s, language, factor * s + 10 * (r == "mpt") + 50 * (k == 16))
        for r, k, s in grid.cells
        for language, factor in (("en", 1.0), ("de", 3.0))
    ]
    rows += [("no_translator", 16, 1, language, 0.0) for language in ("en", "de")]
    return pd.DataFrame(rows, columns=["run", "shots", "seed", "language", "accuracy"])


def test_accuracy_csv_is_in_the_order_of_the_cells(write_cell):
    cells = [("sp", 16, 1), ("mpt", 16, 1), ("sp", 1, 1)]
    for cell in cells:
        write_cell(cell, {"en": "1110", "de": "1000"})
    table = accuracy_table(read_cells(cells, ["en", "de"]))
    assert list(table.columns) == ["run", "shots", "seed", "language", "accuracy"]
    assert table.to_numpy().tolist() == [
        [*cell, language, accuracy]
        for cell in cells
        for language, accuracy in (("de", 25.0), ("en", 75.0))
    ]


def test_table1_by_hand():
    table = table1(accuracies(), GRID)
    assert list(table.columns) == ["shots", "method", "de", "en", "avg"]
    assert table.to_numpy().tolist() == [
        [16, "sp", 54.5, 51.5, 53.0],
        [16, "mpt", 64.5, 61.5, 63.0],
        [1, "sp", 4.5, 1.5, 3.0],
        [1, "mpt", 14.5, 11.5, 13.0],
    ]


def test_standard_deviation_is_the_samples_and_that_of_the_average_is_over_seeds():
    table = table1_std(accuracies(), GRID)
    assert list(table.columns) == ["shots", "method", "de", "en", "avg"]
    # de 3 and 6, en 1 and 2, averages 2 and 4.
    for values in table[["de", "en", "avg"]].to_numpy().tolist():
        assert values == pytest.approx([3 / 2**0.5, 1 / 2**0.5, 2 / 2**0.5])


def test_one_seed_has_no_standard_deviation():
    grid = Grid(runs=("sp", "mpt"), shots=(1,), seeds=(2,))
    table = table1_std(accuracies(grid), grid)
    assert table[["de", "en", "avg"]].isna().all(axis=None)
    assert len(table) == 2


def test_table1_has_the_columns_of_the_papers(home):
    paper = read_table1(home / "data/paper/table1.csv")
    rows = [
        ("mpt", 1, 1, language, 40.0)
        for language in reversed(paper.columns[2:-1])  # any order of the languages
    ]
    accuracy = pd.DataFrame(rows, columns=["run", "shots", "seed", "language", "accuracy"])
    table = table1(accuracy, Grid(runs=("mpt",), shots=(1,), seeds=(1,)))
    assert list(table.columns) == list(paper.columns)


def test_the_papers_values_stand_beside_ours_where_it_has_them():
    columns = ["shots", "method", "de", "en", "avg"]
    ours = pd.DataFrame([[1, "sp", 1.0, 1.0, 1.0], [3, "sp", 1.0, 1.0, 1.0]], columns=columns)
    paper = pd.DataFrame([[1, "ft", 7.0, 8.0, 7.5], [1, "sp", 5.0, 6.0, 5.5]], columns=columns)
    found = beside(ours, paper)
    assert found.iloc[0].to_list() == [1, "sp", 5.0, 6.0, 5.5]
    assert found.iloc[1, 2:].isna().all()


def test_the_papers_average_stands_beside_one_over_the_same_languages_only():
    paper = pd.DataFrame([[1, "sp", 5.0, 6.0, 5.5]], columns=["shots", "method", "de", "en", "avg"])
    ours = pd.DataFrame([[1, "sp", 1.0, 1.0]], columns=["shots", "method", "en", "avg"])
    assert beside(ours, paper)["en"].to_list() == [6.0]
    assert beside(ours, paper)["avg"].isna().all()


def test_summary_for_dvc_metrics_is_of_the_grid_alone():
    assert summary(table1(accuracies(), GRID), reference="mpt", pairs=7) == {
        "accuracy": {"k16": {"sp": 53.0, "mpt": 63.0}, "k1": {"sp": 3.0, "mpt": 13.0}},
        "mpt_minus": {"k16": {"sp": 10.0}, "k1": {"sp": 10.0}},
        "test_pairs": 7,
    }


def test_summary_names_the_reference_and_needs_it_for_differences():
    table = table1(accuracies(), GRID)
    assert summary(table, reference="sp", pairs=7)["sp_minus"]["k1"] == {"mpt": -10.0}
    assert summary(table, reference="other", pairs=7)["other_minus"] == {}


def test_curves_are_the_averages_by_shots_ascending():
    found = curves(table1(accuracies(), GRID))
    assert list(found.columns) == ["shots", "sp", "mpt"]
    assert found.to_numpy().tolist() == [[1, 3.0, 13.0], [16, 53.0, 63.0]]


def test_confusion_by_hand(write_cell):
    # Labels 0 1 2 0 1 2; what is wrong is taken for the next label.
    write_cell(("sp", 4, 1), {"en": "110111", "de": "111111"})
    write_cell(("sp", 4, 2), {"en": "010111", "de": "111111"})
    found = confusion(read_cells([("sp", 4, 1), ("sp", 4, 2)], ["en", "de"]))
    assert list(found.columns) == ["run", "shots", "language", "label", "predicted", "percent"]
    assert len(found) == 2 * 9
    shares = found.set_index(["language", "label", "predicted"])["percent"].sort_index()
    entailment, neutral, contradiction = "entailment", "neutral", "contradiction"
    # Of four rows of entailment in two seeds one is taken for neutral.
    assert shares["en", entailment].to_dict() == {entailment: 75.0, neutral: 25.0, contradiction: 0}
    assert shares["en", contradiction].to_dict() == {entailment: 50, neutral: 0, contradiction: 50}
    assert shares["en", neutral, neutral] == shares["de", contradiction, contradiction] == 100.0


def test_a_label_that_no_row_has_has_no_shares(write_cell):
    write_cell(("sp", 4, 1), {"en": "11"})
    found = confusion(read_cells([("sp", 4, 1)], ["en"]))
    missing = found.loc[found["percent"].isna(), "label"]
    assert missing.to_list() == ["contradiction"] * 3
