import pandas as pd
import pytest

from pipeline.evaluation.files import PAPER_TABLE1
from pipeline.evaluation.tables import accuracy_table, confusion, curves, summary, table1
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


def test_accuracy_csv_is_in_the_order_of_the_cells(cells_of):
    cells = [("sp", 16, 1), ("mpt", 16, 1), ("sp", 1, 1)]
    table = accuracy_table(cells_of({cell: {"en": "1110", "de": "1000"} for cell in cells}))
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
    table = table1(accuracies(), GRID, "std")
    assert list(table.columns) == ["shots", "method", "de", "en", "avg"]
    # de 3 and 6, en 1 and 2, averages 2 and 4.
    for values in table[["de", "en", "avg"]].to_numpy().tolist():
        assert values == pytest.approx([3 / 2**0.5, 1 / 2**0.5, 2 / 2**0.5])


def test_one_seed_has_no_standard_deviation():
    grid = Grid(runs=("sp", "mpt"), shots=(1,), seeds=(2,))
    table = table1(accuracies(grid), grid, "std")
    assert table[["de", "en", "avg"]].isna().all(axis=None)
    assert len(table) == 2


def test_table1_has_the_columns_of_the_papers(home):
    paper = PAPER_TABLE1.read()
    rows = [
        ("mpt", 1, 1, language, 40.0)
        for language in reversed(paper.columns[2:-1])  # any order of the languages
    ]
    accuracy = pd.DataFrame(rows, columns=["run", "shots", "seed", "language", "accuracy"])
    table = table1(accuracy, Grid(runs=("mpt",), shots=(1,), seeds=(1,)))
    assert list(table.columns) == list(paper.columns)


def test_summary_for_dvc_metrics_is_only_of_the_grid():
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


def test_confusion_by_hand(cells_of):
    # Labels 0 1 2 0 1 2; a wrong prediction is the next label.
    right = {("sp", 4, 1): {"en": "110111", "de": "111111"},
             ("sp", 4, 2): {"en": "010111", "de": "111111"}}  # fmt: skip
    found = confusion(cells_of(right))
    assert list(found.columns) == ["run", "shots", "language", "label", "predicted", "percent"]
    assert len(found) == 2 * 9
    shares = found.set_index(["language", "label", "predicted"])["percent"].sort_index()
    entailment, neutral, contradiction = "entailment", "neutral", "contradiction"
    # One of four rows of entailment in two seeds is predicted as neutral.
    assert shares["en", entailment].to_dict() == {entailment: 75.0, neutral: 25.0, contradiction: 0}
    assert shares["en", contradiction].to_dict() == {entailment: 50, neutral: 0, contradiction: 50}
    assert shares["en", neutral, neutral] == shares["de", contradiction, contradiction] == 100.0


def test_no_label_has_a_share_if_a_run_predicts_it(cells_of):
    cells = cells_of({("sp", 4, 1): {"en": "010111"}, ("mpt", 4, 1): {"en": "111111"}})
    predicted = cells.predicted["sp", 4, 1]
    predicted[predicted != cells.label] = -1
    shares = confusion(cells).set_index(["run", "label", "predicted"])["percent"].sort_index()
    by_hand = {"entailment": 50.0, "neutral": 0.0, "contradiction": 0.0, "no label": 50.0}
    assert shares["sp", "entailment"].to_dict() == by_hand
    assert shares["sp"].groupby("label").sum().eq(100).all()
    assert "no label" not in shares["mpt"].index.get_level_values("predicted")


def test_a_label_without_rows_has_no_shares(cells_of):
    found = confusion(cells_of({("sp", 4, 1): {"en": "11"}}))
    missing = found.loc[found["percent"].isna(), "label"]
    assert missing.to_list() == ["contradiction"] * 3
