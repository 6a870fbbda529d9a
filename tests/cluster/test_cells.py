"""Commands, logs and batches, without anything that runs."""

from io import StringIO

import pytest
from rich.console import Console

from pipeline.cluster.cells import Call, State, in_process, last_line, log_of
from pipeline.cluster.driver import expected_seconds
from pipeline.cluster.lockfile import Batches
from stages.cells_view import Cells, _drawn
from tests.cluster.clones import with_remote
from tests.commands import call, only_line

ENTRIES = {"mpt": "stages.cli:main"}


def test_a_plain_command_of_ours_is_called_in_the_workers_process():
    found = in_process("mpt train mpt --shots 4 --seed 1", ENTRIES)
    words = ("mpt", "train", "mpt", "--shots", "4", "--seed", "1")
    assert found == Call("stages.cli:main", words)


@pytest.mark.parametrize(
    "command",
    [
        "python -m stages train",
        "mpt tables && mpt report",
        "mpt train $RUN",
        "mpt train 'a b'",
        "mpt tables > said",
        "mpt tables *",
        "mpt tables; rm x",
        "A=1 mpt tables",
        "mpt (tables)",
        "mpt tables # now",
        "mpt ~/x",
        "",
    ],
)
def test_what_takes_a_shell_gets_one(command):
    assert in_process(command, ENTRIES) is None


def test_a_log_lies_in_one_folder_whatever_the_stage_is_called():
    assert str(log_of("train@mpt-16-1")) == "data/logs/train@mpt-16-1.log"
    assert str(log_of("sub/dvc.yaml:a b")) == "data/logs/sub_dvc.yaml_a_b.log"


def test_the_last_line_that_says_something():
    assert last_line(["one", " two ", "", "  "]) == "two"
    assert last_line([]) == ""


@pytest.fixture
def written(monkeypatch):
    found = []
    monkeypatch.setattr("pipeline.cluster.lockfile.dump", found.append)
    monkeypatch.setattr("pipeline.cluster.lockfile.RARELY", 0)
    monkeypatch.setattr("pipeline.cluster.lockfile.SHARE", 1e9)
    return found


def test_entries_wait_for_those_before_them(written):
    batches = Batches("abcde", dict(zip("abcde", "ABCDE", strict=True)))
    batches.settle("a", changed=False)
    batches.settle("c", changed=True)
    batches.write()
    assert written == []
    batches.settle("b", changed=True)
    batches.write()
    batches.write()
    assert written == [["B", "C"]]
    batches.settle("e", changed=True)
    batches.write(last=True)
    assert written == [["B", "C"], ["E"]]


def test_the_time_to_go_is_that_of_cells_of_the_same_kind():
    states = {
        "tables": State.WAITING,
        "train@a": State.DONE,
        "train@b": State.WAITING,
        "train@c": State.RUNNING,
        "fewshot@4": State.DONE,
    }
    assert expected_seconds(states, {}, workers=2) is None
    seconds = {"train@a": 4.0, "fewshot@4": 1.0}
    assert expected_seconds(states, seconds, workers=2) == (4 + 4 + 2.5) / 2


def test_without_ray_it_says_what_to_install(repository, monkeypatch, capsys):
    monkeypatch.setattr("stages.repro.find_spec", lambda name: None)
    assert call(monkeypatch, "repro") == 2
    assert only_line(capsys.readouterr().err) == "mpt repro needs Ray: pip install mpt-xnli[ray]"


def drawn(cells: Cells, *, width: int, height: int) -> list[str]:
    console = Console(record=True, width=width, file=StringIO())
    console.print(_drawn(cells, height=height))
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.fixture
def grid():
    """A grid under way, in which something is in every state."""
    names = [*(f"train@mpt-{n}" for n in range(1, 9)), "ablate@no_consistency-16-1", "tables"]
    cells = Cells(["corpora", *names], size=lambda: 2)
    cells.start -= 80
    cells("corpora", State.UNCHANGED)
    cells("train@mpt-1", State.RESTORED)
    for name in ("train@mpt-2", "train@mpt-3", "train@mpt-4"):
        cells(name, State.RUNNING)
        cells.began[name] -= 61
    cells("train@mpt-2", State.DONE)
    cells("train@mpt-3", State.FAILED, "training: the loss is nan in epoch 1")
    cells("train@mpt-5", State.FAILED, "no room " * 20)
    cells("train@mpt-6", State.WAITING, "its worker was killed")
    cells("ablate@no_consistency-16-1", State.FAILED, "no luck")
    cells("tables", State.SKIPPED, "needs train@mpt-3")
    return cells


def test_the_table_shows_states_reasons_and_time_within_80_columns(grid):
    reason = ("no room " * 20)[:51]
    assert drawn(grid, width=80, height=40) == [
        "3 waiting, 1 running, 1 done, 1 restored, 1 unchanged, 3 failed, 1 skipped",
        "1:20 min, about 2:02 min to go",
        "",
        "stage    waiting  running  done  restored  unchanged  failed  skipped",
        "corpora                                            1",
        "train          3        1     1         1                  2",
        "ablate                                                     1",
        "tables                                                              1",
        "",
        "train@mpt-4                 1:01 min",
        "train@mpt-6                 its worker was killed",
        "train@mpt-3                 training: the loss is nan in epoch 1",
        f"train@mpt-5                 {reason}…",
        "ablate@no_consistency-16-1  no luck",
    ]


def test_a_wide_table_shows_longer_reasons(grid):
    lines = drawn(grid, width=120, height=40)
    assert f"train@mpt-5                 {('no room ' * 20)[:91]}…" in lines


def test_a_low_terminal_shows_how_many_more_there_are(grid):
    lines = drawn(grid, width=80, height=14)
    assert len(lines) == 13
    assert lines[-4:] == [
        "train@mpt-4                 1:01 min",
        "train@mpt-6                 its worker was killed",
        "train@mpt-3                 training: the loss is nan in epoch 1",
        "                            and 2 more failed",
    ]


def test_states_that_nothing_is_in_are_not_shown():
    lines = drawn(Cells(["base", "cell@1"], size=lambda: 2), width=80, height=24)
    assert lines[0] == "2 waiting"
    assert lines[3:6] == ["stage  waiting", "base         1", "cell         1"]


def test_a_remote_wants_a_cluster(repository, monkeypatch, capsys):
    pytest.importorskip("ray", reason="mpt repro's extra")
    assert call(monkeypatch, "repro", "--remote", "storage") == 2
    assert only_line(capsys.readouterr().err).startswith("--remote: expected --address")


def test_an_unknown_remote_is_refused_with_those_there_are(
    repository, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("ray", reason="mpt repro's extra")
    with_remote(repository, tmp_path / "storage")
    assert call(monkeypatch, "repro", "--address", "auto", "--remote", "elsewhere") == 2
    said = "--remote: expected a remote of .dvc/config (storage), found elsewhere"
    assert only_line(capsys.readouterr().err) == said
