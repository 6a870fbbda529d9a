"""`mpt repro` on a real Ray, and what is left after something was killed."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.cluster.states import State
from tests.cluster import toy
from tests.cluster.processes import (
    assert_gone,
    descendants,
    name,
    read_until,
    running,
    start,
    wait,
)
from tests.commands import call

pytest.importorskip("ray", reason="mpt repro's extra")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_the_command_leaves_what_dvc_repro_leaves(repository, sequential, repro, capsys):
    other = sequential()
    assert repro() == 0
    said, complained = capsys.readouterr()
    assert said.splitlines()[-1].startswith("7 done in ")
    assert complained == ""
    toy.assert_alike(repository, other)
    assert (repository / "data/logs/cell@2.log").read_text() == "2\n"
    assert repro() == 0
    assert capsys.readouterr().out.startswith("7 unchanged in ")


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


def test_after_a_killed_driver_no_finished_cell_runs_again(repository):
    toy.write_params(repository, range(1, 7))
    (repository / "told/slow").write_text("0.5")
    process = start(repository, "--jobs", "2")  # on a Ray of its own
    done = read_until("cell@5: done", process)
    children = descendants(process.pid)
    process.kill()
    process.wait()
    assert_gone(children)
    before = toy.ran(repository)
    again = toy.run(repository)
    assert again.good, again.reasons
    assert not {f"cell@{n}" for n in toy.ran(repository) - before} & done
    assert set(toy.ran(repository)) == set("123456")
    assert max(toy.ran(repository).values()) <= 2
    assert toy.status(repository) == {}
    lock = toy.lock(repository)
    (repository / "dvc.lock").unlink()
    toy.dvc_repro(repository)
    assert toy.lock(repository) == lock


def test_ctrl_c_stops_the_run_and_keeps_what_was_done(repository, cluster):
    (repository / "told/slow").write_text("1")
    process = start(repository, "--address", cluster.address)
    read_until("cell@3: running", process)
    command = running(["sh", "cell.sh", "3"])
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert process.stderr.read() == "mpt: interrupted\n"
    assert_gone([command])
    lock = toy.lock(repository)
    assert b"base:" in lock
    assert b"cell@1:" in lock
    (repository / "told/slow").unlink()
    assert toy.run(repository).current["cell@1"] is State.UNCHANGED


def test_two_nodes_share_a_folder_and_one_of_them_is_lost(repository, cluster):
    (repository / "told/slow").write_text("1")
    (repository / "cell.sh").write_text("echo $NODE >> told/nodes\n" + toy.CELL)
    toy.write_params(repository, range(1, 7))
    second = cluster.add_node(num_cpus=1, env_vars={"NODE": "second"})
    process = start(repository, "--address", cluster.address)
    try:
        read_until("cell@4: running", process)
        cluster.remove_node(second, allow_graceful=False)
        said, complained = process.communicate(timeout=110)
    finally:
        process.kill()
    assert process.returncode == 0, said + complained
    assert complained == ""
    assert set((repository / "told/nodes").read_text().split()) == {"second"}
    assert set(toy.ran(repository)) == set("123456")
    assert toy.ran(repository).total() <= 7
    assert toy.status(repository) == {}


def test_a_cluster_that_does_not_answer_is_named(repository, monkeypatch, capsys):
    assert call(monkeypatch, "repro", "--address", "127.0.0.1:1") == 2
    assert "--address 127.0.0.1:1: expected a Ray cluster" in capsys.readouterr().err
