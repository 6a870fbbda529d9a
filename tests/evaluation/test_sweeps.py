import json

import pytest

from pipeline.errors import InputError
from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.cells import read_cells
from pipeline.evaluation.files import SWEEPS
from pipeline.evaluation.intervals import intervals
from pipeline.evaluation.sweeps import sweeps

VARIANTS = {
    "high": {"alpha": 0.9},
    "low": {"alpha": 0.1, "epochs": 4},
    "lstm": {"translator": "lstm-1", "rows_at_once": 8},
    "long": {"epochs": 100},
    "two": {"alpha": 0.9, "translator": "lstm-1"},
    "twin": {},
    "moved": {"backbone": "mm"},
    "words": {"verbalizer": {"neutral": "also"}},
}


@pytest.fixture
def swept(write_cell, write_settings):
    """Write cells of mpt and of variants, with 1 to 9 right answers of 10; collect the points."""

    def collect(variants, shots=(16,), reference="mpt"):
        cells = [(run, k, s) for run in ("mpt", *variants) for k in shots for s in (1, 2)]
        for place, cell in enumerate(cells):
            write_cell(cell, {"en": "1" * (place % 10) + "0" * (10 - place % 10)})
            write_settings(cell, **variants.get(cell[0], {}))
        return read(cells, variants, reference=reference)

    return collect


def read(cells, variants, *, reference="mpt"):
    found = read_cells(cells, ["en"])
    spread = intervals(found, Bootstrap(found))
    frame = sweeps(found, spread, reference=reference, variants=list(variants), shots=[16])
    return frame, spread


def test_points_by_key_with_the_reference_in_each(swept):
    frame, _ = swept(VARIANTS)
    assert list(frame.columns) == list(SWEEPS.columns)
    assert frame[["key", "value", "run"]].to_numpy().tolist() == [
        ["alpha", "0.1", "low"],
        ["alpha", "0.5", "mpt"],
        ["alpha", "0.9", "high"],
        ["translator", "linear-2", "mpt"],
        ["translator", "lstm-1", "lstm"],
        ["epochs", "50", "mpt"],
        ["epochs", "100", "long"],
        ["verbalizer", "null", "mpt"],
        ["verbalizer", '{"neutral": "also"}', "words"],
    ]
    assert set(frame["shots"]) == {16}
    assert set(frame["seeds"]) == {2}


def test_the_numbers_are_those_of_intervals(swept):
    frame, spread = swept({"high": VARIANTS["high"]})
    columns = ["seeds", "mean", "std", "low", "high"]
    averages = spread[spread["language"] == "avg"].set_index("run")[columns]
    assert frame[columns].to_numpy().tolist() == averages.loc[frame["run"]].to_numpy().tolist()
    # mpt has 0 and 1 of 10 right, `high` 2 and 3.
    assert frame["mean"].to_list() == [5.0, 25.0]


def test_other_shots_are_no_points(swept):
    frame, _ = swept({"high": VARIANTS["high"]}, shots=(4, 16))
    assert set(frame["shots"]) == {16}
    assert len(frame) == 2


@pytest.mark.parametrize("reference", ["mpt", "other"])
def test_without_variants_or_reference_there_is_only_the_header(swept, reference):
    variants = {} if reference == "mpt" else {"high": VARIANTS["high"]}
    frame, _ = swept(variants, reference=reference)
    assert frame.empty
    assert list(frame.columns) == list(SWEEPS.columns)


@pytest.fixture
def high(swept):
    """Read the cells of mpt and `high` once more."""
    swept({"high": VARIANTS["high"]})
    return lambda: read([(run, 16, s) for run in ("mpt", "high") for s in (1, 2)], ["high"])


def test_a_cell_of_an_older_version_is_named_with_what_to_do(high, home):
    path = home / "data/runs/high/k16/s2/metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["settings"]
    path.write_text(json.dumps(metrics))
    with pytest.raises(InputError) as error:
        high()
    assert str(error.value) == (
        "data/runs/high/k16/s2/metrics.json: expected a key settings, found none; the cell may be "
        "from an older version (make it: mpt train high --shots 16 --seed 2)"
    )


def test_seeds_with_other_settings_are_named(high, write_settings):
    write_settings(("high", 16, 2), alpha=0.8)
    with pytest.raises(InputError) as error:
        high()
    assert str(error.value) == (
        "data/runs/high/k16/s2/metrics.json: settings.alpha: expected 0.9 as in "
        "data/runs/high/k16/s1/metrics.json, found 0.8 "
        "(make it: mpt train high --shots 16 --seed 2)"
    )


def test_a_missing_metrics_json_is_named(high, home):
    (home / "data/runs/mpt/k16/s1/metrics.json").unlink()
    with pytest.raises(InputError, match=r"mpt/k16/s1/metrics.json: expected the output"):
        high()
