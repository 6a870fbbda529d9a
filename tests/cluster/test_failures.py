"""Cells that fail on warm workers: each alone, and with a reason that helps."""

import re
import subprocess

import pytest

from pipeline.cluster.cells import State
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


@pytest.mark.parametrize(
    ("word", "reason"),
    [("fail", "no luck today"), ("raise", "MemoryError: no room for 3 GiB")],
)
def test_a_command_that_fails_in_a_worker_fails_alone(repository, workers, word, reason):
    toy.program(repository, range(2))
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(text.replace("toy out/${item.n}.txt", f"toy x {word}"))
    summary = toy.run(repository, workers, entries=toy.ENTRIES, keep_going=True)
    assert summary.reasons["cell@0"] == summary.reasons["cell@1"] == reason


def test_a_failure_is_told_with_its_reason_and_ends_with_1(repository, repro, capsys):
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


def test_a_cell_whose_loss_is_no_number_fails_alone(training, repro, capsys):
    assert repro("--keep-going") == 1
    said, complained = capsys.readouterr()
    reason = re.search(r"^train@wild: failed \((training: the loss is nan in .*)\)$", said, re.M)[1]
    assert complained == f"warning: train@wild: {reason} (data/logs/train@wild.log)\n"
    assert "\n1 done, 1 failed in " in said
    assert (training / "data/runs/sp/k1/s1/metrics.json").exists()
    assert not (training / "data/runs/wild").exists()


def test_a_cell_that_wants_more_memory_than_there_is_fails_alone(repository, workers):
    toy.program(repository, range(4))
    (repository / "told/hoard-1").touch()
    summary = toy.run(repository, workers, entries=toy.ENTRIES, keep_going=True)
    assert toy.by_state(summary)[State.FAILED] == {"cell@1"}
    reason = summary.reasons["cell@1"]
    assert reason.startswith("RuntimeError: ")
    assert "can't allocate memory: you tried to allocate 70368744177664 bytes" in reason
    assert "\n" not in reason
    assert {f"cell@{n}" for n in (0, 2, 3)} < toy.by_state(summary)[State.DONE]
    pids = (repository / "told/pids").read_text().split()
    assert len(pids) == 3
    assert len(set(pids)) <= 2  # its worker goes on


def test_a_cell_that_is_killed_with_its_worker_each_time_fails_alone(repository, workers):
    toy.program(repository, range(4))
    (repository / "told/die-1").touch()
    summary = toy.run(repository, workers, entries=toy.ENTRIES, keep_going=True)
    assert toy.by_state(summary)[State.FAILED] == {"cell@1"}
    reason = "its worker was killed or crashed (out of memory?), 3 times"
    assert summary.reasons["cell@1"] == reason
    assert {f"cell@{n}" for n in (0, 2, 3)} < toy.by_state(summary)[State.DONE]
    assert len((repository / "told/pids").read_text().split()) == 3
