"""The table of `mpt repro` on a terminal, and the time left."""

from io import StringIO

import pytest
from rich.console import Console

from pipeline.cluster.states import State, States
from stages.repro_view import draw
from tests.commands import call, only_line


def test_without_ray_the_command_says_what_to_install(repository, monkeypatch, capsys):
    monkeypatch.setattr("stages.repro.find_spec", lambda name: None)
    assert call(monkeypatch, "repro") == 2
    assert only_line(capsys.readouterr().err) == "mpt repro needs Ray: pip install mpt-xnli[ray]"


def test_the_time_left_is_judged_by_stages_of_the_same_matrix():
    states = States(["tables", "train@a", "train@b", "train@c", "fewshot@4"])
    assert states.seconds_left(workers=2) is None
    states.set("train@a", State.DONE)
    states.set("train@c", State.RUNNING)
    states.set("fewshot@4", State.DONE)
    states.seconds = {"train@a": 4.0, "fewshot@4": 1.0}
    assert states.seconds_left(workers=2) == (4 + 4 + 2.5) / 2


def drawn(states: States, *, width: int, height: int) -> list[str]:
    console = Console(record=True, width=width, file=StringIO())
    console.print(draw(states, size=2, height=height))
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.fixture
def grid():
    """A run in progress, with stages in every state."""
    names = [*(f"train@mpt-{n}" for n in range(1, 9)), "ablate@no_consistency-16-1", "tables"]
    states = States(["corpora", *names])
    states.started -= 80
    states.set("corpora", State.UNCHANGED)
    states.set("train@mpt-1", State.RESTORED)
    for name in ("train@mpt-2", "train@mpt-3", "train@mpt-4"):
        states.set(name, State.RUNNING)
        states.began[name] -= 61
    states.set("train@mpt-2", State.DONE)
    states.set("train@mpt-3", State.FAILED, "training: the loss is nan in epoch 1")
    states.set("train@mpt-5", State.FAILED, "no room " * 20)
    states.set("train@mpt-6", State.WAITING, "its worker was killed")
    states.set("ablate@no_consistency-16-1", State.FAILED, "no luck")
    states.set("tables", State.SKIPPED, "needs train@mpt-3")
    return states


def test_the_table_shows_states_reasons_and_time_within_the_width(grid):
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
    assert f"train@mpt-5                 {('no room ' * 20)[:91]}…" in drawn(
        grid, width=120, height=40
    )


def test_a_low_terminal_shows_how_many_more_there_are(grid):
    lines = drawn(grid, width=80, height=14)
    assert len(lines) == 13
    assert lines[-4:] == [
        "train@mpt-4                 1:01 min",
        "train@mpt-6                 its worker was killed",
        "train@mpt-3                 training: the loss is nan in epoch 1",
        "                            and 2 more failed",
    ]


def test_empty_states_are_not_shown():
    lines = drawn(States(["base", "cell@1"]), width=80, height=24)
    assert lines[0] == "2 waiting"
    assert lines[3:6] == ["stage  waiting", "base         1", "cell         1"]
