"""Cells that fail on warm workers: each alone, and with a reason that helps."""

import re
import subprocess

import pytest

from pipeline.cluster.states import State
from stages.backbone import backbone
from stages.corpora import corpora
from stages.fewshot import fewshot
from stages.paws15 import paws15
from stages.tokens import tokens
from tests import toys
from tests.cluster import toy

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
TRAIN = """\
stages:
  train:
    matrix:
      run: [wild, sp]
    cmd: mpt train ${item.run} --shots 1 --seed 1
    deps: [data/fewshot/k1.parquet]
    outs: ["data/runs/${item.run}/k1/s1/metrics.json"]
"""


def test_the_command_shows_the_reason_and_ends_with_1(repository, repro, capsys):
    (repository / "told/fail-2").touch()
    assert repro("--jobs", "2", "--keep-going") == 1
    said, complained = capsys.readouterr()
    assert "cell@2: failed (no luck with 2)" in said
    assert "all: skipped (needs cell@2)" in said
    assert complained == "warning: cell@2: no luck with 2 (data/logs/cell@2.log)\n"


@pytest.fixture
def training(project):
    """A DVC repository of two cells, one of which learns at an absurd rate."""
    values = toys.params()
    values["methods"]["wild"] = values["methods"]["sp"] | {"learning_rate": 1e30}
    toys.write_params(values, project / "params.yaml")
    corpora()
    backbone()
    tokens()
    fewshot(shots=1)
    paws15()
    (project / "dvc.yaml").write_text(TRAIN)
    subprocess.run(["git", "init", "-q"], check=True)
    (project / ".gitignore").write_text("/data\n/hub\n")
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("[core]\n    analytics = false\n")
    return project


def test_a_cell_whose_loss_is_nan_fails_alone(training, repro, capsys):
    assert repro("--keep-going") == 1
    said, complained = capsys.readouterr()
    reason = re.search(r"^train@wild: failed \((training: the loss is nan in .*)\)$", said, re.M)[1]
    assert complained == f"warning: train@wild: {reason} (data/logs/train@wild.log)\n"
    assert "\n1 done, 1 failed in " in said
    assert (training / "data/runs/sp/k1/s1/metrics.json").exists()
    assert not (training / "data/runs/wild").exists()


def test_cells_that_fail_in_a_worker_fail_alone_and_the_worker_goes_on(repository, workers):
    toy.program(repository, cells=6)
    for told in ("fail-0", "raise-1", "hoard-2"):
        (repository / "told" / told).touch()
    states = toy.run(repository, workers, entries=toy.ENTRIES, keep_going=True)
    assert toy.by_state(states) == {
        State.FAILED: {"cell@0", "cell@1", "cell@2"},
        State.DONE: {"cell@3", "cell@4", "cell@5"},
    }
    assert states.reasons["cell@0"] == "no luck today"
    assert states.reasons["cell@1"] == "MemoryError: no room for 3 GiB"
    too_much = states.reasons["cell@2"]
    assert too_much.startswith("RuntimeError: ")
    assert "can't allocate memory: you tried to allocate 70368744177664 bytes" in too_much
    assert "\n" not in too_much
    assert len(set((repository / "told/pids").read_text().split())) <= 2


def test_a_cell_that_always_kills_its_worker_fails_alone(repository, workers):
    toy.program(repository, cells=4)
    (repository / "told/die-1").touch()
    states = toy.run(repository, workers, entries=toy.ENTRIES, keep_going=True)
    assert toy.by_state(states) == {
        State.FAILED: {"cell@1"},
        State.DONE: {"cell@0", "cell@2", "cell@3"},
    }
    reason = "its worker was killed or crashed (out of memory?), 3 times"
    assert states.reasons["cell@1"] == reason
    assert len((repository / "told/pids").read_text().split()) == 3
