"""What `mpt plan` says, against what a run then does."""

import json

import pytest

from pipeline.cluster.costs import Past, expected, past_cells
from pipeline.cluster.project import Project
from pipeline.cluster.staleness import look
from tests.cluster import toy
from tests.commands import call

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def found(folder, *targets):
    project = Project(folder, {})
    with project.locked():
        findings = look(project, project.plan(targets))
    return {one.name: one for one in findings}


def prospects(folder):
    return {name: str(one.prospect) for name, one in found(folder).items()}


def test_it_tells_what_a_run_then_does(repository):
    assert set(prospects(repository).values()) == {"stale"}
    toy.run(repository)
    assert set(prospects(repository).values()) == {"unchanged"}
    toy.write_params(repository, [1, 2, 3, 4, 5], scale=1)
    said = prospects(repository)
    assert (said["cell@1"], said["cell@5"]) == ("unchanged", "stale")
    assert (said["all"], said["note"]) == ("downstream", "downstream")
    toy.run(repository)
    toy.write_params(repository, [1, 2, 3, 4, 5], scale=2)
    toy.run(repository)
    toy.write_params(repository, [1, 2, 3, 4, 5], scale=1)
    findings = found(repository)
    assert findings["cell@1"].prospect == "restored"
    assert findings["cell@1"].reasons == ("scale: 2 -> 1",)
    assert findings["base"].prospect == "unchanged"
    summary = toy.run(repository)
    assert summary.states["cell@1"] == "restored"


def test_after_a_lost_lock_all_is_restored(repository):
    toy.run(repository)
    (repository / "dvc.lock").unlink()
    assert set(prospects(repository).values()) == {"restored"}
    assert toy.ran(repository).total() == 4


def test_it_says_why(repository):
    toy.run(repository)
    (repository / "source.txt").write_text("two\n")
    (repository / "out/2/a.txt").unlink()
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(text.replace("cp all.txt", "cp  all.txt"))
    findings = found(repository)
    assert findings["base"].reasons == ("source.txt is modified",)
    assert findings["cell@1"].reasons == ("needs base",)
    assert findings["cell@1"].prospect == "downstream"
    assert findings["all"].reasons == ("needs 4 of cell",)
    assert findings["note"].reasons == ("its command changed", "needs all")
    assert findings["note"].prospect == "stale"


def test_it_changes_nothing(repository):
    toy.run(repository)
    toy.write_params(repository, range(6), scale=4)
    before = {one: one.stat().st_mtime_ns for one in repository.rglob("*.txt")}
    lock = (repository / "dvc.lock").read_bytes()
    found(repository)
    assert {one: one.stat().st_mtime_ns for one in repository.rglob("*.txt")} == before
    assert (repository / "dvc.lock").read_bytes() == lock


def trained(folder, cell, seconds, **facts):
    place = folder / "data/runs" / cell
    place.mkdir(parents=True)
    text = json.dumps({"seconds": {"train": seconds, "load": 1.0}, **facts})
    (place / "circumstances.json").write_text(text)


def test_a_cell_is_expected_to_take_what_cells_most_like_it_took(tmp_path):
    trained(tmp_path, "mpt/k16/s1", 9.0, peak_memory_mib=500)
    trained(tmp_path, "mpt/k16/s2", 11.0, peak_memory_mib=700, peak_device_memory_mib=90)
    trained(tmp_path, "sp/k4/s1", 1.0, peak_memory_mib=300)
    past = past_cells(tmp_path / "data/runs")
    assert past[2] == Past("sp", "k4", 2.0, 300, None, "cpu")
    same = expected("data/runs/mpt/k16/s3", past)
    assert (same.seconds, same.memory_mib, same.device_memory_mib) == (11.0, 700, 90)
    assert same.like == "the same run and shots"
    assert expected("data/runs/mpt/k4/s3", past).like == "the same run"
    assert expected("data/runs/pct/k4/s3", past).seconds == 2.0
    assert expected("data/runs/pct/k1/s3", past).like == "other cells"
    assert expected("results", past) is None
    assert expected("data/runs/mpt/k16/s3", []) is None


def test_the_command_prints_kinds_reasons_and_what_it_takes(repository, monkeypatch, capsys):
    toy.run(repository)
    toy.write_params(repository, range(1, 5), scale=2)
    assert call(monkeypatch, "plan") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["base: 1 unchanged", "cell: 4 stale", "  scale: 1 -> 2 (4 stages)"]
    assert said[-2] == "to be run: 6 stages"
    assert call(monkeypatch, "plan", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["prospects"] == {"unchanged": 1, "stale": 4, "downstream": 2}
    assert data["stages"]["cell@1"]["reasons"] == ["scale: 1 -> 2"]
    toy.run(repository)
    assert call(monkeypatch, "plan") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing is to be run"


def test_a_target_that_is_none_is_refused(repository, monkeypatch, capsys):
    assert call(monkeypatch, "plan", "nothing") == 2
    assert "nothing" in capsys.readouterr().err
