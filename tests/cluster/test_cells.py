"""Commands, logs and batches, without anything that runs."""

import pytest

from pipeline.cluster.cells import Call, State, in_process, last_line, log_of
from pipeline.cluster.driver import expected_seconds
from pipeline.cluster.lockfile import Batches
from tests.cluster.clones import with_remote
from tests.commands import call, only_line

ENTRIES = {"mpt": "stages.cli:main"}


def test_a_plain_command_of_ours_is_called_in_the_workers_process():
    found = in_process("mpt train mpt --shots 4 --seed 1", ENTRIES)
    words = ("mpt", "train", "mpt", "--shots", "4", "--seed", "1")
    assert found == Call("stages.cli:main", words)


@pytest.mark.parametrize(
    "command",
    [
        "python -m stages train",
        "mpt tables && mpt report",
        "mpt train $RUN",
        "mpt train 'a b'",
        "mpt tables > said",
        "mpt tables *",
        "mpt tables; rm x",
        "A=1 mpt tables",
        "mpt (tables)",
        "mpt tables # now",
        "mpt ~/x",
        "",
    ],
)
def test_what_takes_a_shell_gets_one(command):
    assert in_process(command, ENTRIES) is None


def test_a_log_lies_in_one_folder_whatever_the_stage_is_called():
    assert str(log_of("train@mpt-16-1")) == "data/logs/train@mpt-16-1.log"
    assert str(log_of("sub/dvc.yaml:a b")) == "data/logs/sub_dvc.yaml_a_b.log"


def test_the_last_line_that_says_something():
    assert last_line(["one", " two ", "", "  "]) == "two"
    assert last_line([]) == ""


@pytest.fixture
def written(monkeypatch):
    found = []
    monkeypatch.setattr("pipeline.cluster.lockfile.dump", found.append)
    monkeypatch.setattr("pipeline.cluster.lockfile.RARELY", 0)
    monkeypatch.setattr("pipeline.cluster.lockfile.SHARE", 1e9)
    return found


def test_entries_wait_for_those_before_them(written):
    batches = Batches("abcde", dict(zip("abcde", "ABCDE", strict=True)))
    batches.settle("a", changed=False)
    batches.settle("c", changed=True)
    batches.write()
    assert written == []
    batches.settle("b", changed=True)
    batches.write()
    batches.write()
    assert written == [["B", "C"]]
    batches.settle("e", changed=True)
    batches.write(last=True)
    assert written == [["B", "C"], ["E"]]


def test_the_time_to_go_is_that_of_cells_of_the_same_kind():
    states = {
        "tables": State.WAITING,
        "train@a": State.DONE,
        "train@b": State.WAITING,
        "train@c": State.RUNNING,
        "fewshot@4": State.DONE,
    }
    assert expected_seconds(states, {}, workers=2) is None
    seconds = {"train@a": 4.0, "fewshot@4": 1.0}
    assert expected_seconds(states, seconds, workers=2) == (4 + 4 + 2.5) / 2


def test_without_ray_it_says_what_to_install(repository, monkeypatch, capsys):
    monkeypatch.setattr("stages.repro.find_spec", lambda name: None)
    assert call(monkeypatch, "repro") == 2
    assert only_line(capsys.readouterr().err) == "mpt repro needs Ray: pip install mpt-xnli[ray]"


def test_a_remote_wants_a_cluster(repository, monkeypatch, capsys):
    pytest.importorskip("ray", reason="mpt repro's extra")
    assert call(monkeypatch, "repro", "--remote", "storage") == 2
    assert only_line(capsys.readouterr().err).startswith("--remote: expected --address")


def test_an_unknown_remote_is_refused_with_those_there_are(
    repository, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("ray", reason="mpt repro's extra")
    with_remote(repository, tmp_path / "storage")
    assert call(monkeypatch, "repro", "--address", "auto", "--remote", "elsewhere") == 2
    said = "--remote: expected a remote of .dvc/config (storage), found elsewhere"
    assert only_line(capsys.readouterr().err) == said
