"""Commands, logs and entries of dvc.lock, without anything that runs."""

import pytest

from pipeline.cluster.lock_file import LockFile
from pipeline.cluster.states import State
from pipeline.cluster.task import Step, call_of, log_path

ENTRIES = {"mpt": "stages.cli:main"}


def test_workers_call_plain_commands_of_ours_in_their_process():
    words = ("mpt", "train", "mpt", "--shots", "4", "--seed", "1")
    assert call_of(" ".join(words), ENTRIES) == Step(words, "stages.cli:main")
    quoted = "mpt train 'mpt' --shots '4' --seed '1'"
    assert call_of(quoted, ENTRIES) == Step(words, "stages.cli:main")


@pytest.mark.parametrize(
    "command",
    [
        "python -m stages train",
        "mpt tables && mpt report",
        "mpt train $RUN",
        "mpt train 'a b'",
        "mpt train '$RUN'",
        "mpt train 'a",
        "mpt tables > output",
        "mpt tables *",
        "mpt tables; rm x",
        "A=1 mpt tables",
        "mpt (tables)",
        "mpt tables # now",
        "mpt ~/x",
        "",
    ],
)
def test_commands_that_need_a_shell_get_one(command):
    assert call_of(command, ENTRIES) is None


def test_all_logs_are_in_one_folder_whatever_the_stage_is_called():
    assert str(log_path("train@mpt-16-1")) == "data/logs/train@mpt-16-1.log"
    assert str(log_path("sub/dvc.yaml:a b")) == "data/logs/sub_dvc.yaml_a_b.log"


def test_entries_wait_for_those_before_them(monkeypatch):
    written = []
    monkeypatch.setattr("pipeline.cluster.lock_file.dump", written.append)
    monkeypatch.setattr("pipeline.cluster.lock_file.INTERVAL", 0)
    monkeypatch.setattr("pipeline.cluster.lock_file.SHARE", 1e9)
    entries = LockFile(dict(zip("abcde", "ABCDE", strict=True)))
    states = dict.fromkeys("abcde", State.WAITING) | {"a": State.FAILED, "c": State.DONE}
    entries.write_due(states)
    assert written == [[]]
    states |= {"b": State.RESTORED, "d": State.RUNNING}
    entries.write_due(states)
    entries.write_due(states)
    assert written == [[], ["B", "C"], []]
    entries.write(states | {"d": State.UNCHANGED, "e": State.DONE})
    assert written[3:] == [["E"]]
