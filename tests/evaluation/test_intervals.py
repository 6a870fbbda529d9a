import math

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.files import DIFFERENCES, INTERVALS
from pipeline.evaluation.intervals import differences, gain, intervals, shots_of_gain

RIGHT = {
    ("sp", 16, 1): {"en": "1100", "de": "1000"},  # 50, 25
    ("sp", 16, 2): {"en": "1100", "de": "1100"},  # 50, 50
    ("mpt", 16, 1): {"en": "1110", "de": "1100"},  # 75, 50
    ("mpt", 16, 2): {"en": "1111", "de": "1110"},  # 100, 75
    ("mpt", 1, 1): {"en": "0000", "de": "0000"},
    ("plain", 16, 2): {"en": "1111", "de": "1110"},
    ("plain", 16, 3): {"en": "0000", "de": "0000"},
    ("far", 16, 3): {"en": "0000", "de": "0000"},
    ("none", 1, 1): {"en": "0000", "de": "0000"},
}


@pytest.fixture
def cells(cells_of) -> Cells:
    return cells_of(RIGHT)


def row(frame: pd.DataFrame, **where) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_intervals_by_hand(cells):
    frame = intervals(cells, Bootstrap(cells))
    assert list(frame.columns) == list(INTERVALS.columns)
    first = frame[(frame["run"] == "sp") & (frame["shots"] == 16)]
    assert first["language"].to_list() == ["de", "en", "avg"]
    assert first["mean"].to_list() == [37.5, 50.0, 43.75]
    assert first["std"].to_list() == pytest.approx([25 / math.sqrt(2), 0, 12.5 / math.sqrt(2)])
    assert set(first["seeds"]) == {2}
    assert (frame["low"] <= frame["mean"]).all()
    assert (frame["mean"] <= frame["high"]).all()
    zero = row(frame, run="mpt", shots=1, language="avg")
    assert (zero["low"], zero["high"]) == (0, 0)
    assert math.isnan(zero["std"])


def test_every_run_and_shots_has_its_languages_and_their_mean(cells):
    frame = intervals(cells, Bootstrap(cells))
    groups = frame[["run", "shots"]].drop_duplicates().itertuples(index=False, name=None)
    assert list(groups) == list(cells.groups())
    assert len(frame) == 3 * len(cells.groups())


def test_differences_by_hand(cells):
    frame = differences(cells, Bootstrap(cells), reference="mpt")
    german = row(frame, other="sp", language="de")
    assert (german["run"], german["shots"], german["seeds"]) == ("mpt", 16, 2)
    assert german["difference"] == 62.5 - 37.5
    assert german["relative"] == pytest.approx(100 * (62.5 / 37.5 - 1))
    assert german["low"] <= 25 <= german["high"]
    average = row(frame, other="sp", language="avg")
    assert average["difference"] == 75 - 43.75
    assert average["relative"] == pytest.approx(100 * (75 / 43.75 - 1))


def test_differences_are_over_the_seeds_of_both(cells):
    frame = differences(cells, Bootstrap(cells), reference="mpt")
    same = frame[frame["other"] == "plain"]
    # With seed 2 both predict the same, so every draw does.
    assert set(same["seeds"]) == {1}
    assert (same[["difference", "low", "high", "relative"]] == 0).all(axis=None)
    assert "far" not in set(frame["other"])
    assert "mpt" not in set(frame["other"])


def test_a_lead_over_zero_is_no_percentage(cells):
    frame = differences(cells, Bootstrap(cells), reference="mpt")
    assert frame[frame["other"] == "none"]["relative"].isna().all()


def test_without_the_reference_there_is_only_the_header(cells):
    frame = differences(cells, Bootstrap(cells), reference="other")
    assert frame.empty
    assert list(frame.columns) == list(DIFFERENCES.columns)


def test_a_paired_difference_is_narrower_than_its_runs(cells_of):
    generator = np.random.default_rng(2)
    bits = (generator.random(200) < 0.5).astype(int)
    better = bits.copy()
    better[np.flatnonzero(bits == 0)[:20]] = 1
    runs = {"sp": bits, "mpt": better}
    cells = cells_of({(run, 4, 1): {"en": "".join(map(str, of))} for run, of in runs.items()})
    bootstrap = Bootstrap(cells)
    lead = row(differences(cells, bootstrap, reference="mpt"), language="avg")
    own = row(intervals(cells, bootstrap), run="sp", language="avg")
    assert lead["difference"] == pytest.approx(10.0)
    # 20 of 200 pairs differ: 100 sqrt(.1 x .9 / 200) = 2.1 points; each run has 3.5.
    assert (lead["high"] - lead["low"]) / 3.92 == pytest.approx(2.12, rel=0.1)
    assert (own["high"] - own["low"]) / 3.92 == pytest.approx(3.5, rel=0.1)


def compared(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["other", "shots", "language", "difference"])
    return frame.assign(run="mpt", seeds=2, low=-1.0, high=1.0, relative=2.0)


def test_the_gain_is_at_the_papers_shots_or_at_the_largest():
    rows = [("sp", 4, "de", 1.0), ("sp", 16, "de", 2.0), ("sp", 16, "avg", 9.0),
            ("ft", 32, "de", 8.0)]  # fmt: skip
    assert gain(compared(*rows), baseline="sp").to_dict("records") == [
        {"shots": 16, "language": "de", "difference": 2.0, "low": -1.0, "high": 1.0,
         "relative": 2.0}
    ]  # fmt: skip
    more = compared(*rows, ("sp", 32, "de", 3.0), ("sp", 64, "de", 4.0))
    assert gain(more, baseline="sp")[["shots", "difference"]].to_numpy().tolist() == [[32, 3.0]]
    assert gain(compared(*rows), baseline="pct").empty
    assert shots_of_gain(compared(*rows), baseline="pct") is None
