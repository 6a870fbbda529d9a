import pytest

from bench import same_results
from pipeline import artifacts
from pipeline.cells.files import run_folder
from pipeline.params.strict import parse
from pipeline.params.whole import Params, load_params
from stages.train import train
from tests import toys

PARAMS = parse(Params, toys.params(), place="params.yaml")


def test_all_cells_of_the_grid_or_those_asked_for(capsys):
    assert same_results.chosen_cells(PARAMS, []) == list(PARAMS.grid.cells)
    chosen = same_results.chosen_cells(PARAMS, ["--runs", "mpt", "--seeds", "2"])
    assert chosen == [("mpt", 1, 2), ("mpt", 2, 2)]
    with pytest.raises(SystemExit, match="2"):
        same_results.chosen_cells(PARAMS, ["--runs", "other"])
    assert "--runs: invalid choice: 'other' (choose from " in capsys.readouterr().err


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Two seeds of a cell, whose accuracies differ in Swahili by 1 and -0.5 points."""
    monkeypatch.chdir(tmp_path)
    cells = [("mpt", 1, 1), ("mpt", 1, 2)]
    for cell in cells:
        metrics = {"accuracy": {"en": 80.0, "sw": 60.0, "avg": 70.0}}
        artifacts.write_json(metrics, run_folder(*cell) / "metrics.json")

    def plain(params, run, shots, seed):
        points = 1.0 if seed == 1 else -0.5
        return {"en": 80.0, "sw": 60.0 + points, "avg": 70.0 + points / 2}

    monkeypatch.setattr(same_results, "accuracies", plain)
    return cells


def test_differences_are_of_means_over_the_seeds(cells):
    frame = same_results.differences(PARAMS, cells)
    assert frame.loc["mpt", 1].to_dict() == pytest.approx({"en": 0.0, "sw": 0.25, "avg": 0.125})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--shots", "1", "--seeds", "1", "2"], None),
        (["--shots", "1", "--seeds", "1"], "1"),
        (["--shots", "2", "--seeds", "1"], "2"),  # nothing to compare with
    ],
)
def test_exit_codes(cells, monkeypatch, capsys, arguments, code):
    monkeypatch.setattr("sys.argv", ["same_results", "--runs", "mpt", *arguments])
    monkeypatch.setattr(same_results, "load_params", lambda: PARAMS)
    if code is None:
        same_results.main()
        assert "+0.25" in capsys.readouterr().out
        return
    with pytest.raises(SystemExit, match=code):
        same_results.main()
    assert "error: " in capsys.readouterr().err


def test_without_fast_paths_an_untrained_cell_is_that_of_the_pipeline(prepared):
    train("untrained", shots=1, seed=1)
    ours = artifacts.read_json(run_folder("untrained", 1, 1) / "metrics.json")["accuracy"]
    assert same_results.accuracies(load_params(), "untrained", 1, 1) == pytest.approx(ours)


def test_a_run_with_parallel_pairs_trains_without_fast_paths(prepared):
    assert set(same_results.accuracies(load_params(), "mpt", 1, 1)) == {*toys.TARGETS, "en", "avg"}
