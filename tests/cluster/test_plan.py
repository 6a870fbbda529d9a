"""What `mpt plan` says, compared with what a run then does."""

import json
import shutil
import sys
from types import SimpleNamespace

import pytest

from pipeline.cells.files import cell_of, circumstances_path
from pipeline.cluster.costs import expected, past_cells
from pipeline.cluster.project import Project
from pipeline.cluster.staleness import look
from pipeline.training import memory
from pipeline.training.memory import Memory
from tests.cluster import toy
from tests.commands import call, only_line

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def findings(folder):
    project = Project(folder, {})
    with project.lock:
        project.plan([])
        return {finding.name: finding for finding in look(project)}


def prospects(folder):
    return {name: str(finding.prospect) for name, finding in findings(folder).items()}


def test_it_says_what_a_run_then_does(repository):
    assert set(prospects(repository).values()) == {"stale"}
    toy.run(repository)
    assert set(prospects(repository).values()) == {"unchanged"}
    toy.write_params(repository, [1, 2, 3, 4, 5])
    now = prospects(repository)
    assert (now["cell@1"], now["cell@5"]) == ("unchanged", "stale")
    assert (now["all"], now["note"]) == ("downstream", "downstream")
    toy.run(repository)
    toy.write_params(repository, [1, 2, 3, 4, 5], scale=2)
    toy.run(repository)
    toy.write_params(repository, [1, 2, 3, 4, 5])
    found = findings(repository)
    assert found["cell@1"].prospect == "restored"
    assert found["cell@1"].reasons == ("scale: 2 -> 1",)
    assert found["base"].prospect == "unchanged"
    assert toy.run(repository).current["cell@1"] == "restored"


def test_it_says_why(repository):
    toy.run(repository)
    (repository / "source.txt").write_text("two\n")
    (repository / "out/2/a.txt").unlink()
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(text.replace("cat all.txt", "cat  all.txt"))
    found = findings(repository)
    assert found["base"].reasons == ("source.txt is modified",)
    assert found["cell@2"].reasons == ("needs base",)
    assert found["cell@2"].prospect == "downstream"
    assert found["all"].reasons == ("needs 4 of cell",)
    assert found["note"].reasons == ("its command changed", "needs all, cell@1")
    assert found["note"].prospect == "stale"
    (repository / "cell.sh").write_text(toy.CELL + "# An edit.\n")
    found = findings(repository)
    assert found["cell@2"].reasons == ("cell.sh is modified", "needs base")
    assert found["cell@2"].prospect == "stale"


def test_it_names_the_keys_of_a_file_of_json_that_changed(repository):
    always(repository)
    for name in ("dvc.yaml", "cell.sh"):
        path = repository / name
        path.write_text(path.read_text().replace("one.txt", "one.json"))
    (repository / "source.txt").write_text('{"sha256": {"a": 1, "b": 2}, "name": "x"}\n')
    toy.run(repository)
    (repository / "source.txt").write_text('{"sha256": {"a": 1, "b": 3, "c": 4}, "name": "y"}\n')
    reasons = findings(repository)["cell@2"].reasons
    assert reasons == ("base/one.json is modified (sha256.b, sha256.c, name)",)


def always(repository):
    """Make the first stage one that always runs."""
    path = repository / "dvc.yaml"
    text = path.read_text()
    path.write_text(text.replace("outs: [base]", "outs: [base]\n    always_changed: true"))


def test_a_stage_that_always_runs_is_run_and_those_below_are_judged_by_its_outs(repository):
    always(repository)
    assert set(prospects(repository).values()) == {"always runs", "stale"}
    toy.run(repository)
    before = toy.lock(repository)
    found = findings(repository)
    assert (found["base"].prospect, found["base"].reasons) == ("always runs", ())
    assert {name for name in found if found[name].prospect != "unchanged"} == {"base"}
    (repository / "source.txt").write_text("one\nand more\n")  # beside what cells read
    assert {name for name, one in findings(repository).items() if one.reasons} == set()
    (repository / "source.txt").write_text("two\n")
    found = findings(repository)
    assert found["cell@2"].reasons == ("base/one.txt is modified",)
    assert {found[f"cell@{n}"].prospect for n in range(1, 5)} == {"stale"}
    assert toy.lock(repository) == before
    states = toy.by_state(toy.run(repository))
    assert states == {"done": {"base", "all", "note", *toy.CELLS}}


def test_a_quick_stage_that_fails_now_is_stale_and_says_why(repository, monkeypatch, capsys):
    always(repository)
    toy.run(repository)
    (repository / "source.txt").unlink()
    (repository / "dvc.yaml").write_text(
        (repository / "dvc.yaml").read_text().replace("deps: [source.txt]", "deps: [cell.sh]")
    )
    found = findings(repository)
    assert found["base"].prospect == "stale"
    assert found["base"].reasons[0].startswith("fails now: ")
    assert "source.txt" in found["base"].reasons[0]
    assert found["cell@1"].prospect == "downstream"
    assert call(monkeypatch, "repro") == 1
    assert only_line(capsys.readouterr().err).startswith("base: ")


def test_a_quick_stage_below_others_is_run_if_these_will_not_run(repository):
    quick = "deps: [out, extra.txt]\n    outs: [all.txt]\n    meta: {quick: true}"
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(text.replace("deps: [out]\n    outs: [all.txt]", quick))
    (repository / "extra.txt").touch()
    toy.run(repository)
    (repository / "extra.txt").write_text("beside what it reads\n")
    found = findings(repository)
    assert (found["all"].prospect, found["note"].prospect) == ("stale", "unchanged")
    toy.write_params(repository, [1, 2, 3, 4, 5])
    found = findings(repository)
    assert (found["all"].prospect, found["note"].prospect) == ("stale", "downstream")


def test_what_is_lost_is_restored(repository):
    toy.run(repository)
    (repository / "out/1/b.txt").unlink()
    (repository / "out/2/extra.txt").touch()
    found = findings(repository)
    assert found["cell@1"].reasons == ("out/1 is modified",)
    assert found["cell@1"].prospect == found["cell@2"].prospect == "restored"
    assert found["note"].prospect == "downstream"
    toy.run(repository)
    (repository / "dvc.lock").unlink()
    assert set(prospects(repository).values()) == {"restored"}


@pytest.mark.parametrize("with_lock", [True, False])
def test_what_the_cache_has_lost_too_is_stale(with_lock, repository):
    toy.run(repository)
    before = toy.ran(repository)["1"]
    shutil.rmtree(repository / "out/1")
    shutil.rmtree(repository / ".dvc/cache/files")
    if not with_lock:
        (repository / "dvc.lock").unlink()
    assert findings(repository)["cell@1"].prospect == "stale"
    toy.run(repository)
    assert toy.ran(repository)["1"] == before + 1


def test_it_changes_nothing(repository):
    toy.run(repository)
    toy.write_params(repository, range(6), scale=4)
    before = {path: path.stat().st_mtime_ns for path in repository.glob("**/*.txt")}
    lock = toy.lock(repository)
    findings(repository)
    assert {path: path.stat().st_mtime_ns for path in repository.glob("**/*.txt")} == before
    assert toy.lock(repository) == lock


def trained(run, shots, seed, *, seconds, **facts):
    path = circumstances_path(run, shots, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": {"train": seconds, "load": 1.0}, **facts}))


def test_a_cell_is_expected_to_cost_what_similar_cells_cost(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert expected("data/runs/mpt/k16/s3", past_cells()) is None
    trained("mpt", 16, 1, seconds=9.0, peak_memory_mib=500)
    trained("mpt", 16, 2, seconds=11.0, peak_memory_mib=700, peak_device_memory_mib=90)
    trained("sp", 4, 1, seconds=1.0, peak_memory_mib=300)
    past = past_cells()
    same = expected("data/runs/mpt/k16/s3", past)
    assert (same.seconds, same.memory_mib, same.device_memory_mib) == (11.0, 700, 90)
    assert same.like == "the same run and shots"
    assert expected("data/runs/mpt/k16/s3/metrics.json", past) == same
    assert expected("data/runs/mpt/k4/s3", past).like == "the same run"
    assert expected("data/runs/pct/k4/s3", past).seconds == 2.0
    assert expected("data/runs/pct/k1/s3", past).like == "other cells"
    assert expected("results", past) is None


def test_the_command_prints_matrices_reasons_and_costs(repository, monkeypatch, capsys):
    def plan(*options):
        assert call(monkeypatch, "plan", *options) == 0
        return capsys.readouterr().out

    text = (repository / "dvc.yaml").read_text()
    text = text.replace("['out/", "['data/runs/mpt/k4/s${item.n}', 'out/")
    (repository / "dvc.yaml").write_text(text)
    with (repository / "cell.sh").open("a") as file:
        file.write("mkdir -p data/runs/mpt/k4/s$1\n")
    assert plan().splitlines()[-1].startswith("  time unknown")
    toy.run(repository)
    assert plan().splitlines()[-1] == "nothing to run"
    toy.write_params(repository, range(1, 5), scale=2)
    trained("mpt", 4, 9, seconds=29.0, peak_memory_mib=1500, peak_device_memory_mib=90)
    assert plan().splitlines() == [
        "base: 1 unchanged",
        "cell: 4 stale",
        "  scale: 1 -> 2 (4 stages)",
        *("all: 1 downstream", "  needs 4 of cell"),
        *("note: 1 downstream", "  needs all, cell@1"),
        "to run: 6 stages",
        "  4 cells: 2:00 min on one worker, judged by data/circumstances/",
        *("  memory per cell: up to 1,500 MiB", "  device memory per cell: up to 90 MiB"),
    ]
    assert plan("cell@1").splitlines()[-4:-2] == [
        "to run: 1 stage",
        "  1 cell: 30.0 s on one worker, judged by data/circumstances/",
    ]
    data = json.loads(plan("--json"))
    assert data["prospects"] == {"unchanged": 1, "stale": 4, "downstream": 2}
    assert data["stages"]["cell@1"] == {
        "for": None,
        "prospect": "stale",
        "reasons": ["scale: 1 -> 2"],
        "expected": {
            **{"seconds": 30.0, "memory_mib": 1500, "device_memory_mib": 90},
            "like": "the same run and shots",
        },
    }
    assert data["stages"]["note"]["expected"] is None


COUNTED = Memory(1_500_000, {"weights": 6 * 2**20, "gradients": 3 * 2**20})
NEEDS = "1.5 M parameters, 9 MiB at the peak, 6 of them for weights"


@pytest.fixture
def counting(repository, monkeypatch):
    """A project with stale cells, and a list of the cells whose memory is counted."""
    text = (repository / "dvc.yaml").read_text()
    text = text.replace("['out/", "['data/runs/mpt/k4/s${item.n}', 'out/")
    (repository / "dvc.yaml").write_text(text)
    cells = []
    monkeypatch.setattr("pipeline.params.whole.load_params", lambda: SimpleNamespace(entry_of=str))
    monkeypatch.setattr(
        "pipeline.forecast.foresee",
        lambda _, asked: cells.extend(asked) or [(run, COUNTED) for run, *_ in asked],
    )
    return cells


def test_memory_is_counted_if_somebody_asks(counting, monkeypatch, capsys):
    assert call(monkeypatch, "plan") == 0
    assert NEEDS not in capsys.readouterr().out
    assert call(monkeypatch, "plan", "--memory") == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  mpt: {NEEDS}"
    assert call(monkeypatch, "plan", "--memory", "--json") == 0
    counted = json.loads(capsys.readouterr().out)["memory"]["mpt"]
    assert counted == {"parameters": 1_500_000, "parts": COUNTED.parts}
    assert [cell[:2] for cell in counting] == [("mpt", 4)] * 2


def test_memory_of_a_large_backbone_is_counted_for_runs_without_cells(
    counting, repository, monkeypatch, capsys
):
    weights = repository / "data/backbones/base/model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"1" * 100)
    monkeypatch.setattr(memory, "capacity", lambda _: 40 * 100)  # bytes
    assert call(monkeypatch, "plan") == 0
    assert NEEDS not in capsys.readouterr().out
    monkeypatch.setattr(memory, "capacity", lambda _: 40 * 100 - 1)
    assert call(monkeypatch, "plan") == 2  # the cell does not fit either
    assert NEEDS in capsys.readouterr().out
    trained("mpt", 16, 1, seconds=1.0)
    assert call(monkeypatch, "plan") == 0
    assert NEEDS not in capsys.readouterr().out


def test_where_no_memory_is_to_be_counted_torch_is_not_imported(repository, monkeypatch):
    weights = repository / "data/backbones/base/model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    monkeypatch.setitem(sys.modules, "pipeline.training.memory", None)  # to import it is an error
    assert call(monkeypatch, "plan") == 0


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_cell_that_cannot_fit_is_refused_after_the_plan(options, counting, monkeypatch, capsys):
    monkeypatch.setattr(memory, "capacity", lambda _: 2**20)
    assert call(monkeypatch, "plan", "--memory", *options) == 2
    out, err = capsys.readouterr()
    assert out
    assert only_line(err).startswith("params.yaml: methods.mpt: expected a cell that fits the 1 M")


def test_a_cells_path_tells_its_run_shots_and_seed():
    assert cell_of("data/runs/mpt/k16/s3") == ("mpt", 16, 3)
    assert cell_of("data/runs/mpt/k16/s3/metrics.json") == ("mpt", 16, 3)
    for other in ("results", "data/runs/mpt", "data/runs/mpt/k/s", "data/runs"):
        assert cell_of(other) is None


def test_an_unknown_target_is_refused(repository, monkeypatch, capsys):
    assert call(monkeypatch, "plan", "nothing") == 2
    assert "nothing" in capsys.readouterr().err
