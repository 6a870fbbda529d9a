"""The driver leaves what `dvc repro` leaves; no Ray is needed for that."""

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from dvc_objects.fs.utils import tmp_fname
from ruamel.yaml import YAML

from pipeline.cluster.cells import State
from pipeline.cluster.pool import Lost
from pipeline.errors import InputError, RunError
from tests.cluster import toy
from tests.imports import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CELLS = {f"cell@{n}" for n in range(1, 5)}


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def pipeline(folder: Path, change) -> None:
    yaml = YAML()
    path = folder / "dvc.yaml"
    found = yaml.load(path)
    change(found["stages"])
    yaml.dump(found, path)


def there(twin, **options):
    return there_in(twin(), **options)


def there_in(other, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(other)
        toy.dvc_repro(other, **options)
    return other


def test_lock_and_cache_are_those_of_dvc_repro_after_each_edit(repository, twin):
    other = there(twin)
    summary = toy.run(repository)
    assert toy.by_state(summary) == {State.DONE: {"base", "all", "note"} | CELLS}
    toy.assert_alike(repository, other)
    # New cells among the old ones, whose entries come behind.
    toy.write_params(repository, [5, 1, 2, 6, 3, 4])
    other = there(twin)
    summary = toy.run(repository)
    assert toy.by_state(summary)[State.UNCHANGED] == {"base"} | CELLS
    toy.assert_alike(repository, other)
    toy.write_params(repository, [1, 2], scale=2)
    other = there(twin)
    toy.run(repository)
    toy.assert_alike(repository, other)


def test_the_lock_is_that_of_dvc_repro_whatever_ends_first(repository, twin):
    class Backwards(toy.Processes):
        def ended(self, seconds):
            found = []
            while self._running:
                found += super().ended(0.1)
            return found[::-1]

    other = there(twin)
    toy.run(repository, Backwards(4))
    toy.assert_alike(repository, other)


def test_a_second_run_does_nothing(repository):
    toy.run(repository)
    before = (repository / "dvc.lock").stat().st_mtime_ns
    assert set(toy.run(repository).states.values()) == {State.UNCHANGED}
    assert (repository / "dvc.lock").stat().st_mtime_ns == before
    assert set(toy.ran(repository).values()) == {1}


def test_an_upstream_stage_that_makes_the_same_again_stops_there(repository):
    toy.run(repository)
    (repository / "source.txt").write_text("one\nand more\n")
    states = toy.by_state(toy.run(repository))
    assert states == {State.DONE: {"base"}, State.UNCHANGED: {"all", "note"} | CELLS}


def test_what_ran_before_is_restored(repository, twin):
    toy.run(repository)
    toy.write_params(repository, range(1, 5), scale=2)
    toy.run(repository)
    toy.write_params(repository, range(1, 5))
    other = there(twin)
    states = toy.by_state(toy.run(repository))
    assert states == {State.RESTORED: {"all", "note"} | CELLS, State.UNCHANGED: {"base"}}
    assert set(toy.ran(repository).values()) == {2}
    toy.assert_alike(repository, other)


def test_a_lost_lock_is_made_from_the_run_cache(repository):
    toy.run(repository)
    text = (repository / "dvc.lock").read_bytes()
    (repository / "dvc.lock").unlink()
    (repository / "out/1/a.txt").unlink()
    assert State.DONE not in toy.by_state(toy.run(repository))
    assert (repository / "dvc.lock").read_bytes() == text


def test_only_a_target_and_what_it_needs(repository, twin):
    other = there(twin, targets=["cell@2"])
    summary = toy.run(repository, targets=["cell@2"])
    assert summary.states == {"base": State.DONE, "cell@2": State.DONE}
    assert (repository / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()


@pytest.mark.parametrize("target", ["nothing", "cell@9", "source.txt"])
def test_a_target_that_is_none_is_refused(repository, target):
    with pytest.raises(InputError, match=target):
        toy.run(repository, targets=[target])


def test_a_folder_without_dvc_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a DVC repository"):
        toy.Project(tmp_path, {})


def test_a_failed_stage_takes_its_dependants_with_it(repository, twin):
    (repository / "told/fail-2").touch()
    other = twin()
    with pytest.raises(Exception, match="cell@2"):
        there_in(other, on_error="keep-going")
    summary = toy.run(repository, keep_going=True)
    assert not summary.good
    assert toy.by_state(summary) == {
        State.DONE: {"base", *CELLS - {"cell@2"}},
        State.FAILED: {"cell@2"},
        State.SKIPPED: {"all", "note"},
    }
    assert summary.reasons["all"] == "needs cell@2"
    assert (repository / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert toy.cache(repository) == toy.cache(other)
    (repository / "told/fail-2").unlink()
    (other / "told/fail-2").unlink()
    there_in(other)
    assert toy.run(repository).good
    toy.assert_alike(repository, other)
    assert toy.ran(repository) == {"1": 1, "2": 2, "3": 1, "4": 1}


def test_without_keep_going_a_failure_begins_nothing_more(repository):
    (repository / "told/fail-1").touch()
    summary = toy.run(repository, toy.Processes(1))
    states = toy.by_state(summary)
    assert states[State.FAILED] == {"cell@1"}
    assert states[State.DONE] == {"base"}
    assert toy.ran(repository) == {"1": 1}


def test_an_out_that_is_not_made_fails_its_stage(repository):
    (repository / "cell.sh").write_text("mkdir -p out/$1; echo > out/$1/a.txt\n")
    summary = toy.run(repository, keep_going=True)
    assert "b.txt" in summary.reasons["cell@1"]
    assert summary.states["cell@1"] is State.FAILED


def test_a_frozen_stage_is_left_as_it_is(repository, twin):
    toy.run(repository)
    pipeline(repository, lambda stages: stages["all"].update(frozen=True))
    (repository / "source.txt").write_text("two\n")
    other = there(twin)
    summary = toy.run(repository)
    assert summary.states["all"] is summary.states["note"] is State.UNCHANGED
    assert summary.states["cell@1"] is State.DONE
    assert (repository / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert toy.status(repository) == toy.status(other)


def test_a_stage_that_always_changes_runs_always(repository, twin):
    pipeline(repository, lambda stages: stages["base"].update(always_changed=True))
    for _ in range(2):
        other = there(twin)
        summary = toy.run(repository)
        assert summary.states["base"] is State.DONE
        assert (repository / "dvc.lock").read_bytes() == (other / "dvc.lock").read_bytes()
    assert set(toy.ran(repository).values()) == {1}


def test_outs_that_dvc_does_not_keep_and_metrics(repository, twin):
    def change(stages):
        stages["all"]["outs"] = [{"all.txt": {"cache": False}}]
        stages["note"]["cmd"] = "echo 1 > metric.json; cp all.txt note.txt"
        stages["note"]["metrics"] = [{"metric.json": {"cache": False}}]

    pipeline(repository, change)
    other = there(twin)
    assert toy.run(repository).good
    toy.assert_alike(repository, other)


def test_commands_in_a_list_and_a_folder_of_their_own(repository, twin):
    def change(stages):
        stages["note"]["wdir"] = "told"
        stages["note"]["deps"] = ["../all.txt"]
        stages["note"]["outs"] = ["../note.txt"]
        stages["note"]["cmd"] = "cp ../all.txt ../note.txt && echo $DVC_STAGE >> ../note.txt"

    pipeline(repository, change)
    other = there(twin)
    assert toy.run(repository).good
    assert (repository / "note.txt").read_text().endswith("\nnote\n")
    toy.assert_alike(repository, other)


def test_code_that_changes_during_the_run_is_not_saved(repository):
    def watch(name, state, note=""):
        if (name, state) == ("cell@3", State.RUNNING):
            with (repository / "cell.sh").open("a") as file:
                file.write("# An edit.\n")

    (repository / "told/slow").write_text("0.3")
    summary = toy.run(repository, watch=watch, keep_going=True)
    assert summary.states["cell@1"] is State.DONE
    assert summary.states["cell@3"] is State.FAILED
    assert summary.reasons["cell@3"] == "cell.sh changed while it ran: not saved"
    assert summary.states["all"] is State.SKIPPED
    lock = (repository / "dvc.lock").read_text()
    assert "cell@1:" in lock
    assert "cell@3:" not in lock
    before = toy.ran(repository)
    assert toy.run(repository).good
    # All cells depend on it, and cell@4 began after the edit.
    assert toy.ran(repository) - before == {"1": 1, "2": 1, "3": 1}
    assert toy.status(repository) == {}


def test_parameters_that_change_during_the_run_are_seen(repository):
    def watch(name, state, note=""):
        if (name, state) == ("cell@1", State.RUNNING):
            toy.write_params(repository, range(1, 5), scale=3)

    summary = toy.run(repository, toy.Processes(1), watch=watch)
    assert summary.reasons["cell@1"] == "params.yaml changed while it ran: not saved"


class Fragile(toy.Processes):
    """A pool whose worker is lost under one cell, a few times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def outcome(self, name, process):
        if name == "cell@2" and self.times:
            self.times -= 1
            return Lost("its worker was lost")
        return super().outcome(name, process)


def test_the_cell_of_a_lost_worker_runs_again_and_nothing_else(repository, twin):
    other = there(twin)
    assert toy.run(repository, Fragile(2)).good
    assert toy.ran(repository) == {"1": 1, "2": 3, "3": 1, "4": 1}
    toy.assert_alike(repository, other)


def test_a_cell_that_loses_every_worker_fails_alone(repository):
    summary = toy.run(repository, Fragile(9), keep_going=True)
    assert summary.reasons["cell@2"] == "its worker was lost, 3 times"
    assert toy.by_state(summary)[State.DONE] == {"base", *CELLS - {"cell@2"}}


def test_meanwhile_others_may_look_and_not_write(repository):
    said = {}

    def watch(name, state, note=""):
        if (name, state) == ("cell@2", State.RUNNING):
            said["begun"] = True

    class Asking(toy.Processes):
        def ended(self, seconds):
            if said.pop("begun", False):
                said["status"] = dvc(repository, "status")
                said["cell"] = dvc(repository, "repro", "-s", "cell@2")
                (repository / "told/go").touch()
            return super().ended(seconds)

    wait = "until test -e told/go; do sleep 0.05; done\n"
    (repository / "cell.sh").write_text(toy.CELL + wait)
    assert toy.run(repository, Asking(1), watch=watch, targets=["cell@2"]).good
    assert said["status"].returncode == 0, said["status"].stderr
    assert "cell@2" in said["status"].stdout
    assert said["cell"].returncode != 0
    assert "(cell@2)" in said["cell"].stderr
    assert toy.ran(repository) == {"2": 1}


def test_a_second_run_is_refused_with_the_holder(repository):
    ours = os.environ | {"PYTHONPATH": str(ROOT)}
    holder = [sys.executable, "-c", HOLD]
    with subprocess.Popen(holder, cwd=repository, stdout=PIPE, text=True, env=ours) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=rf"another run is under way: \(PID {first.pid}\)"):
            toy.run(repository)
        first.kill()
    # Dead holders hold nothing.
    assert toy.run(repository).good


def test_a_kill_while_dvcs_file_of_holders_is_written_leaves_it_whole(repository, monkeypatch):
    def killed(*_):
        raise SystemExit

    with toy.Project(repository, {}).alone():
        before = (repository / ".dvc/tmp/rwlock").read_bytes()
        assert b"mpt-repro" in before
        with monkeypatch.context() as patch:
            patch.setattr("dvc.rwlock.json.dump", killed)
            with pytest.raises(SystemExit):
                toy.run(repository, targets=["base"])
        assert (repository / ".dvc/tmp/rwlock").read_bytes() == before
    assert toy.run(repository).good


def test_what_a_kill_left_of_dvcs_copies_is_in_no_hash(repository):
    assert toy.run(repository).good
    (repository / "out/1" / tmp_fname()).touch()
    (repository / "out/1" / tmp_fname("a.txt")).touch()
    assert toy.status(repository) == {}
    (repository / "out/1/other.tmp").touch()
    assert set(toy.status(repository)) == {"all"}


def test_what_a_killed_dvc_command_leaves_is_named(repository):
    toy.run(repository, targets=["base"])
    (repository / ".dvc/tmp/rwlock").write_text("")
    with pytest.raises(RunError, match=r"\.dvc/tmp/rwlock: expected who works .* found what"):
        toy.run(repository)


HOLD = """
import time
from pathlib import Path
from pipeline.cluster.project import Project
with Project(Path(), {}).alone():
    print("held", flush=True)
    time.sleep(60)
"""
