"""The driver leaves what `dvc repro` leaves: lock, cache and working folder."""

import pytest
from ruamel.yaml import YAML

from pipeline.cluster.states import State
from tests.cluster import toy
from tests.cluster.toy import CELLS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def edit(repository):
    """Edits the stages of dvc.yaml."""

    def edit(change):
        yaml, path = YAML(), repository / "dvc.yaml"
        pipeline = yaml.load(path)
        change(pipeline["stages"])
        yaml.dump(pipeline, path)

    return edit


@pytest.fixture
def run_like_dvc(repository, sequential):
    """Runs the driver, compares its results with those of `dvc repro`; returns its states."""

    def run(workers=None):
        other = sequential()
        states = toy.run(repository, workers)
        toy.assert_alike(repository, other)
        return toy.by_state(states)

    return run


class Backwards(toy.Pool):
    """Workers whose tasks end in the opposite order."""

    def ended(self, seconds):
        self.started.reverse()
        return super().ended(seconds)


def test_after_each_edit_of_parameters_and_whatever_ends_first(repository, run_like_dvc):
    assert run_like_dvc(Backwards(4)) == {State.DONE: {"base", "all", "note"} | CELLS}
    before = (repository / "dvc.lock").stat().st_mtime_ns
    assert set(toy.run(repository).current.values()) == {State.UNCHANGED}
    assert (repository / "dvc.lock").stat().st_mtime_ns == before
    # New cells among the old ones, whose entries DVC appends.
    toy.write_params(repository, [5, 1, 2, 6, 3, 4])
    assert run_like_dvc()[State.UNCHANGED] == {"base"} | CELLS
    toy.write_params(repository, [1, 2], scale=2)
    run_like_dvc()


def test_stages_begin_after_all_that_made_their_folders(repository):
    changes = []
    toy.run(repository, toy.Pool(9), watch=lambda *change: changes.append(change))
    cells = [changes.index((cell, State.DONE)) for cell in CELLS]
    assert max(cells) < changes.index(("all", State.RUNNING))


def test_a_dep_that_stays_the_same_in_a_changed_folder_makes_nothing_run(repository, run_like_dvc):
    toy.run(repository)
    (repository / "source.txt").write_text("one\nand more\n")
    assert run_like_dvc() == {State.DONE: {"base"}, State.UNCHANGED: {"all", "note"} | CELLS}


def test_earlier_results_are_restored_from_the_run_cache(repository, run_like_dvc):
    for scale in (1, 2):
        toy.write_params(repository, range(1, 5), scale=scale)
        toy.run(repository)
    toy.write_params(repository, range(1, 5))
    states = {State.RESTORED: {"all", "note"} | CELLS, State.UNCHANGED: {"base"}}
    assert run_like_dvc() == states
    assert set(toy.ran(repository).values()) == {2}


def test_a_changed_folder_is_restored_whole(repository, run_like_dvc):
    toy.run(repository)
    (repository / "out/1/a.txt").unlink()
    (repository / "out/2/extra.txt").touch()
    states = run_like_dvc()
    assert states[State.RESTORED] == {"cell@1", "cell@2"}
    assert State.DONE not in states
    assert not (repository / "out/2/extra.txt").exists()


def test_a_lost_lock_is_rebuilt_from_the_run_cache(repository):
    toy.run(repository)
    before = toy.lock(repository)
    (repository / "dvc.lock").unlink()
    (repository / "out/1/a.txt").unlink()
    assert State.DONE not in toy.by_state(toy.run(repository))
    assert toy.lock(repository) == before


def test_a_target_and_what_it_needs(repository, sequential):
    other = sequential(targets=["cell@2"])
    states = toy.run(repository, targets=["cell@2"])
    assert states.current == {"base": State.DONE, "cell@2": State.DONE}
    assert toy.lock(repository) == toy.lock(other)


def test_a_failed_stage_and_those_that_need_it(repository, sequential, tmp_path):
    (repository / "told/fail-2").touch()
    with pytest.raises(Exception, match="cell@2"):
        sequential(on_error="keep-going")
    other = tmp_path / "theirs"
    states = toy.run(repository, keep_going=True)
    assert not states.good
    assert toy.by_state(states) == {
        State.DONE: {"base", *CELLS - {"cell@2"}},
        State.FAILED: {"cell@2"},
        State.SKIPPED: {"all", "note"},
    }
    assert states.reasons["all"] == "needs cell@2"
    assert toy.lock(repository) == toy.lock(other)
    assert toy.cache(repository) == toy.cache(other)
    (repository / "out/2/c.txt").touch()  # beside b.txt, which the failed command has left
    for folder in (repository, other):
        (folder / "told/fail-2").unlink()
    toy.dvc_repro(other)
    assert toy.run(repository).good
    toy.assert_alike(repository, other)
    assert toy.ran(repository) == {"1": 1, "2": 2, "3": 1, "4": 1}


def test_a_frozen_stage(repository, sequential, edit):
    toy.run(repository)
    edit(lambda stages: stages["all"].update(frozen=True))
    (repository / "source.txt").write_text("two\n")
    other = sequential()
    current = toy.run(repository).current
    assert current["all"] is current["note"] is State.UNCHANGED
    assert current["cell@1"] is State.DONE
    assert toy.lock(repository) == toy.lock(other)
    assert toy.status(repository) == toy.status(other)


def test_a_stage_that_always_runs(repository, sequential, edit):
    edit(lambda stages: stages["base"].update(always_changed=True))
    for _ in range(2):
        other = sequential()
        assert toy.run(repository).current["base"] is State.DONE
        assert toy.lock(repository) == toy.lock(other)
    assert set(toy.ran(repository).values()) == {1}


def test_outs_without_cache_metrics_and_another_working_folder(repository, run_like_dvc, edit):
    def change(stages):
        stages["all"]["outs"] = [{"all.txt": {"cache": False}}]
        stages["note"] = {
            "wdir": "told",
            "cmd": "cp ../all.txt ../note.txt && echo $DVC_STAGE | tee -a ../note.txt > ../n.json",
            "deps": ["../all.txt"],
            "outs": ["../note.txt"],
            "metrics": [{"../n.json": {"cache": False}}],
        }

    edit(change)
    assert set(run_like_dvc()) == {State.DONE}
    assert (repository / "note.txt").read_text().endswith("\nnote\n")
