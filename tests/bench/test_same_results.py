import argparse
import io

import pytest
from rich.console import Console

from bench import same_results
from pipeline import artifacts
from pipeline.cells.files import run_folder
from pipeline.errors import InputError
from pipeline.params.strict import parse
from pipeline.params.whole import Params
from tests import toys

PARAMS = parse(Params, toys.params(), place="params.yaml")


def asked(**more):
    return argparse.Namespace(**{"runs": None, "shots": None, "seeds": None} | more)


def test_all_cells_of_the_grid_or_those_asked_for():
    assert same_results.chosen_cells(PARAMS, asked()) == list(PARAMS.grid.cells)
    some = same_results.chosen_cells(PARAMS, asked(runs=["mpt"], seeds=[2]))
    assert some == [("mpt", 1, 2), ("mpt", 2, 2)]
    with pytest.raises(InputError, match="--runs: expected some of ft, sp, pct, mpt"):
        same_results.chosen_cells(PARAMS, asked(runs=["other"]))


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Two seeds of a cell, whose accuracies differ in Swahili by 1 and -0.5 points."""
    monkeypatch.chdir(tmp_path)
    found = [("mpt", 1, 1), ("mpt", 1, 2)]
    for cell in found:
        metrics = {"accuracy": {"en": 80.0, "sw": 60.0, "avg": 70.0}}
        artifacts.write_json(metrics, run_folder(*cell) / "metrics.json")

    def plain(params, run, shots, seed):
        points = 1.0 if seed == 1 else -0.5
        return {"en": 80.0, "sw": 60.0 + points, "avg": 70.0 + points / 2}

    monkeypatch.setattr(same_results, "accuracies", plain)
    return found


def test_differences_are_of_means_over_the_seeds(cells):
    found = same_results.differences(PARAMS, cells, Console(file=io.StringIO()))
    assert found.loc["mpt", 1].to_dict() == pytest.approx({"en": 0.0, "sw": 0.25, "avg": 0.125})
    shown = io.StringIO()
    same_results.show(found, Console(file=shown, width=100))
    assert "+0.25 (sw)" in shown.getvalue()


@pytest.mark.parametrize(("seeds", "code"), [(["1", "2"], None), (["1"], 1), (["3"], 2)])
def test_exit_codes(cells, monkeypatch, seeds, code):
    arguments = ["same_results", "--runs", "mpt", "--shots", "1", "--seeds", *seeds]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.setattr(same_results, "load_params", lambda: PARAMS)
    if code is None:
        same_results.main()
        return
    with pytest.raises(SystemExit) as ended:
        same_results.main()
    assert ended.value.code == code
