"""The numbers of docs/real_text.md are those of the CSV files beside it."""

import pandas as pd
import pytest

from bench.real_text import FOLDER, GROUPS, tables
from pipeline.profiles import load_profile
from tests.imports import ROOT

PAGE = (ROOT / "docs" / "real_text.md").read_text(encoding="utf-8")
TABLES = dict(tables(ROOT / FOLDER))


def numbers(name):
    return pd.read_csv(ROOT / FOLDER / f"{name}.csv")


@pytest.mark.parametrize("title", TABLES)
def test_the_page_has_each_table_as_the_numbers_give_it(title):
    assert TABLES[title] in PAGE


def test_the_groups_are_the_languages_of_the_profile():
    codes = [code for group in GROUPS.values() for code in group]
    assert sorted(codes) == sorted(load_profile("real_text").languages.all)


def test_means_and_deviations_are_those_of_the_accuracies_by_seed():
    accuracy = numbers("accuracy")
    average = accuracy.groupby(["run", "shots", "seed"], as_index=False).accuracy.mean()
    accuracy = pd.concat([accuracy, average.assign(language="avg")])
    by_seed = accuracy.groupby(["run", "shots", "language"]).accuracy
    intervals = numbers("intervals").set_index(["run", "shots", "language"])
    assert len(intervals) == by_seed.ngroups
    for name, expected in (("mean", by_seed.mean()), ("std", by_seed.std())):
        pd.testing.assert_series_equal(
            intervals[name].sort_index(), expected.sort_index(), check_names=False, rtol=1e-9
        )
    assert (intervals.low <= intervals["mean"]).all()
    assert (intervals["mean"] <= intervals.high).all()


def test_precisions_are_compared_with_the_cells_that_are_reported():
    keys = ["run", "shots", "seed", "language"]
    both = numbers("precision").merge(numbers("accuracy"), on=keys)
    assert len(both) == len(numbers("precision"))
    assert both.bfloat16.tolist() == pytest.approx(both.accuracy.tolist())


def test_differences_are_those_of_the_means():
    mean = numbers("intervals").set_index(["run", "shots", "language"])["mean"]
    for row in numbers("differences").itertuples():
        pair = mean[row.run, row.shots, row.language] - mean[row.other, row.shots, row.language]
        assert row.difference == pytest.approx(pair)


def test_every_cell_of_the_numbers_was_trained_as_the_profile_says():
    profile, cells = load_profile("real_text"), numbers("cells")
    trained = list(cells[["run", "shots", "seed"]].itertuples(index=False, name=None))
    assert set(trained) <= set(profile.cells)
    updates = profile.training.updates
    assert set(cells[cells.run != "untrained"].updates) == {updates}
    accuracy = numbers("accuracy")[["run", "shots", "seed"]].drop_duplicates()
    assert {*accuracy.itertuples(index=False, name=None)} == set(trained)
