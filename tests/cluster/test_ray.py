"""Warm workers on a real Ray: each task starts afresh, and failures concern one cell only."""

import errno
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from pipeline.cluster.states import State
from stages.backbone import backbone
from stages.corpora import corpora
from stages.declared import declared
from stages.fewshot import fewshot
from stages.inputs import inputs
from stages.paws15 import paws15
from stages.tokens import tokens
from tests import toys
from tests.cluster import toy
from tests.cluster.processes import assert_gone, descendants, name, running, start, wait
from tests.commands import call

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_the_command_leaves_what_dvc_repro_leaves_and_shows_failures(
    repository, sequential, repro, capsys
):
    other = sequential()
    assert repro() == 0
    said, complained = capsys.readouterr()
    assert said.splitlines()[-1].startswith("7 done in ")
    assert complained == ""
    toy.assert_alike(repository, other)
    assert (repository / "data/logs/cell@2.log").read_text() == "2\n"
    assert repro() == 0
    assert capsys.readouterr().out.startswith("7 unchanged in ")
    toy.write_params(repository, range(1, 5), scale=2)
    (repository / "told/fail-2").touch()
    assert repro("--jobs", "2", "--keep-going") == 1
    said, complained = capsys.readouterr()
    assert "cell@2: failed (no luck with 2)" in said
    assert "all: skipped (needs cell@2)" in said
    assert complained == "warning: cell@2: no luck with 2 (data/logs/cell@2.log)\n"


def test_every_task_of_a_warm_worker_starts_as_in_a_new_process(repository, workers):
    toy.program(repository, cells=6)
    states = toy.run(repository, workers, entries=toy.ENTRIES)
    assert states.good, states.reasons
    (line,) = {path.read_text() for path in (repository / "out").glob("*.txt")}
    assert line.startswith("('one', False, False, ")
    assert len(set((repository / "told/pids").read_text().split())) <= 2
    assert (repository / "data/logs/cell@0.log").read_text() == f"out/0.txt {line}"


def test_code_that_changed_since_its_import_is_imported_again(repository, workers):
    module = toy.program(repository, cells=1)
    assert toy.run(repository, workers, entries=toy.ENTRIES).good
    module.write_text("TEXT = 'three'\n")
    assert toy.run(repository, workers, entries=toy.ENTRIES).good
    assert (repository / "out/0.txt").read_text().startswith("('three',")
    assert toy.status(repository) == {}


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


# Bash replaces itself by a single command; other shells start it and wait.
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_only_the_cell_of_a_killed_worker_runs_again(repository, workers, monkeypatch, shell):
    if not (path := shutil.which(shell)):
        pytest.skip(f"needs {shell}")
    monkeypatch.setenv("SHELL", path)
    endless = repository / "told/endless-2"
    endless.touch()
    (repository / "cell.sh").write_text(
        "if test -e told/endless-$1; then echo $1 >> told/ran; rm told/endless-$1\n"
        "while sleep 0.1; do :; done; fi\n" + toy.CELL
    )

    def kill():
        command = running(["sh", "cell.sh", "2"])
        wait(lambda: not endless.exists())
        next(one for one in command.parents() if name(one).startswith("ray::")).kill()
        return command

    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill)
        states = toy.run(repository, workers)
    assert states.good, states.reasons
    assert_gone([killed.result()])
    assert toy.ran(repository) == {"1": 1, "2": 2, "3": 1, "4": 1}
    assert toy.status(repository) == {}


TRAIN = """\
stages:
  train:
    matrix:
      run: [wild, sp]
    cmd: mpt train ${item.run} --shots 1 --seed 1
    deps: [data/fewshot/k1.parquet]
    outs: ["data/runs/${item.run}/k1/s1/metrics.json"]
"""


def test_a_cell_whose_loss_is_nan_fails_alone(project, repro, capsys):
    values = toys.params()
    values["methods"]["wild"] = values["methods"]["sp"] | {"learning_rate": 1e30}
    toys.write_params(values, project / "params.yaml")
    for stage in (inputs, corpora, backbone, tokens, lambda: fewshot(shots=1), paws15, declared):
        stage()
    (project / "dvc.yaml").write_text(TRAIN)
    (project / ".gitignore").write_text("/data\n/hub\n")
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("[core]\n    analytics = false\n")
    subprocess.run(["git", "init", "-q"], check=True)
    capsys.readouterr()
    assert repro("--keep-going") == 1
    said, complained = capsys.readouterr()
    reason = re.search(r"^train@wild: failed \((training: the loss is nan in .*)\)$", said, re.M)[1]
    assert complained == f"warning: train@wild: {reason} (data/logs/train@wild.log)\n"
    assert "\n1 done, 1 failed in " in said
    assert (project / "data/runs/sp/k1/s1/metrics.json").exists()
    assert not (project / "data/runs/wild").exists()


def connections(process):
    """Return the connections of a process, of which one that has ended by now has none."""
    try:
        return process.net_connections("tcp")
    except psutil.NoSuchProcess:
        return []


def test_without_a_cluster_nobody_else_can_reach_ray(repository):
    (repository / "told/slow").write_text("20")
    process = start(repository, "--jobs", "1", "cell@1")
    try:
        running(["sh", "cell.sh", "1"])
        family = [psutil.Process(process.pid), *descendants(process.pid)]
        hosts = {
            connection.laddr.ip
            for one in family
            for connection in connections(one)
            if connection.status == psutil.CONN_LISTEN
        }
    finally:
        process.kill()
        process.communicate()
    assert hosts
    assert hosts <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.parametrize("reason", ["No space left on device", "Not a directory"])
def test_a_folder_for_temporaries_without_room_is_named(
    reason, repository, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "t"
    if reason.startswith("No space"):
        monkeypatch.setattr("pipeline.cluster.ray_workers.tempfile.NamedTemporaryFile", full)
    else:
        folder.write_text("a file in the place of the folder")
    monkeypatch.setattr("pipeline.cluster.ray_workers.LONGEST", 1000)
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    assert call(monkeypatch, "repro") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"mpt: {folder}/ray: expected room for 16 MiB of Ray's logs")
    assert reason in line


def full(**_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_cluster_that_does_not_answer_is_named(repository, monkeypatch, capsys):
    assert call(monkeypatch, "repro", "--address", "127.0.0.1:1") == 2
    assert "--address 127.0.0.1:1: expected a Ray cluster" in capsys.readouterr().err
