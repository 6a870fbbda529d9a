"""What the driver does about failures, lost workers, edits during a run and other processes."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from subprocess import PIPE

import pytest
from dvc_objects.fs.utils import tmp_fname

from pipeline.cluster.project import Project
from pipeline.cluster.states import State
from pipeline.cluster.task import Outcome
from pipeline.errors import InputError, RunError
from tests.cluster import toy
from tests.commands import call, only_line
from tests.imports import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("target", ["nothing", "cell@9", "source.txt"])
def test_an_unknown_target_is_refused(repository, target):
    with pytest.raises(InputError, match=target):
        toy.run(repository, targets=[target])


def test_a_folder_without_dvc_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a DVC repository"):
        Project(tmp_path, {})


def test_a_folder_without_git_is_refused_unless_dvc_is_to_do_without(repository):
    shutil.rmtree(repository / ".git")
    with pytest.raises(InputError, match=r"expected a git repository, found none .*git init"):
        Project(repository, {})
    with (repository / ".dvc/config.local").open("w") as file:
        file.write("[core]\n    no_scm = true\n")
    assert toy.run(repository).good


def test_without_keep_going_nothing_more_begins_after_a_failure(repository):
    (repository / "told/fail-1").touch()
    states = toy.by_state(toy.run(repository, toy.Pool(1)))
    assert states[State.FAILED] == {"cell@1"}
    assert states[State.DONE] == {"base"}
    assert toy.ran(repository) == {"1": 1}


def test_a_missing_out_fails_its_stage(repository):
    (repository / "cell.sh").write_text("true\n")
    states = toy.run(repository, keep_going=True)
    assert "out/1" in states.reasons["cell@1"]
    assert states.current["cell@1"] is State.FAILED


def test_code_that_changes_during_the_run_is_not_saved(repository):
    def watch(name, state):
        if (name, state) == ("cell@3", State.RUNNING):
            with (repository / "cell.sh").open("a") as file:
                file.write("# An edit.\n")

    states = toy.run(repository, watch=watch, keep_going=True)
    assert states.current["cell@1"] is State.DONE
    assert states.current["cell@3"] is State.FAILED
    assert states.reasons["cell@3"] == "cell.sh changed while it ran: not saved"
    assert not (repository / "out/3").exists()
    assert states.current["all"] is State.SKIPPED
    lock = toy.lock(repository)
    assert b"cell@1:" in lock
    assert b"cell@3:" not in lock
    before = toy.ran(repository)
    assert toy.run(repository).good
    # All cells depend on cell.sh, and cell@4 began after the edit.
    assert toy.ran(repository) - before == {"1": 1, "2": 1, "3": 1}
    assert toy.status(repository) == {}


def test_parameters_that_change_during_the_run_are_noticed(repository):
    def watch(name, state):
        if (name, state) == ("cell@1", State.RUNNING):
            toy.write_params(repository, range(1, 5), scale=3)

    states = toy.run(repository, toy.Pool(1), watch=watch)
    assert states.reasons["cell@1"] == "params.yaml changed while it ran: not saved"


class Fragile(toy.Pool):
    """Workers, of which the one with cell@2 is lost a few times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def outcome(self, name, code):
        if name == "cell@2" and self.times:
            self.times -= 1
            return Outcome("its worker was lost", retry=True)
        return super().outcome(name, code)


def test_only_the_cell_of_a_lost_worker_runs_again(repository, sequential):
    toy.run(repository)
    toy.write_params(repository, range(1, 5), scale=2)  # dvc.lock now has outs of other deps
    other = sequential()
    before = toy.ran(repository)
    assert toy.run(repository, Fragile(2)).good
    assert toy.ran(repository) - before == {"1": 1, "2": 3, "3": 1, "4": 1}
    toy.assert_alike(repository, other)


def test_a_stage_that_another_process_works_on_waits(repository, monkeypatch):
    def watch(name, state):
        if (name, state) == ("cell@1", State.WAITING):
            other.close()

    monkeypatch.setattr("pipeline.cluster.driver.BUSY", 0)
    with ExitStack() as other:
        path = str(repository / "out/1")
        other.enter_context(Project(repository, {}).hold(" in a test", write=[path]))
        assert toy.run(repository, watch=watch).good
    assert toy.status(repository) == {}


def test_during_the_run_others_may_read_a_stage_but_not_write_it(repository):
    def dvc(*arguments):
        command = [sys.executable, "-m", "dvc", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    class Asking(toy.Pool):
        def ended(self, seconds):
            if [task.name for task in self.started] == ["cell@2"]:
                status, repro = dvc("status"), dvc("repro", "-s", "cell@2")
                assert status.returncode == 0, status.stderr
                assert "cell@2" in status.stdout
                assert repro.returncode != 0
                assert "(cell@2)" in repro.stderr
            return super().ended(seconds)

    assert toy.run(repository, Asking(), targets=["cell@2"]).good
    assert toy.ran(repository) == {"2": 1}


HOLD = """
import time
from pathlib import Path
from pipeline.cluster.project import Project
with Project(Path(), {}).exclusive():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_and_names_the_first(repository):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=PIPE, text=True, env=environment
    ) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=rf"another run is in progress: \(PID {first.pid}\)"):
            toy.run(repository)
        first.kill()
    # Dead processes hold nothing.
    assert toy.run(repository).good


def test_a_kill_while_dvc_writes_its_locks_leaves_the_file_whole(repository, monkeypatch):
    def killed(*_):
        raise SystemExit

    with Project(repository, {}).exclusive():
        before = (repository / ".dvc/tmp/rwlock").read_bytes()
        assert b"mpt-repro" in before
        with monkeypatch.context() as patch:
            patch.setattr("dvc.rwlock.json.dump", killed)
            with pytest.raises(SystemExit):
                toy.run(repository, targets=["base"])
        assert (repository / ".dvc/tmp/rwlock").read_bytes() == before
    assert toy.run(repository).good


def test_unfinished_copies_of_a_killed_dvc_are_in_no_hash(repository):
    assert toy.run(repository).good
    (repository / "out/1" / tmp_fname()).touch()
    (repository / "out/1" / tmp_fname("a.txt")).touch()
    assert toy.status(repository) == {}
    (repository / "out/1/other.tmp").touch()
    assert set(toy.status(repository)) == {"cell@1", "all"}


@pytest.mark.parametrize("content", ["", '{"read": {'])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (".dvc/tmp/rwlock", "rm .dvc/tmp/rwlock"),
        ("dvc.lock", "git checkout dvc.lock; or rm dvc.lock, "),
    ],
)
def test_a_file_that_a_killed_dvc_left_damaged_is_named_and_healed(  # noqa: PLR0917
    content, name, remedy, repository, monkeypatch, capsys
):
    toy.run(repository)
    before, lock = toy.ran(repository), toy.lock(repository)
    path = repository / name
    path.write_text(content)
    for command in ("plan", "repro"):
        assert call(monkeypatch, command) == 1
        line = only_line(capsys.readouterr().err)
        assert line.startswith(f"{path}: expected a file of DVC, found a damaged one")
        assert f": {remedy}" in line
        assert "or mpt repro --heal" in line
    assert call(monkeypatch, "repro", "--heal") == 0
    assert f"{path}: damaged" in capsys.readouterr().out
    assert toy.ran(repository) == before
    assert toy.lock(repository) == lock
    assert toy.status(repository) == {}


def test_healing_leaves_whole_files_alone(repository, monkeypatch, capsys):
    toy.run(repository)
    lock = (repository / "dvc.lock").stat()
    assert call(monkeypatch, "repro", "--heal") == 0
    assert "damaged" not in capsys.readouterr().out
    assert (repository / "dvc.lock").stat().st_mtime_ns == lock.st_mtime_ns
