"""A worker's commands, in a process that needs no Ray."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from unittest.mock import Mock

import psutil
import pytest

from pipeline.cluster import worker
from pipeline.cluster.task import Step, Task
from pipeline.cluster.worker import Worker
from tests.cluster.processes import alive, assert_gone, wait
from tests.imports import ROOT


@pytest.fixture
def run(tmp_path):
    """Runs a line of shell as a task; returns why it failed, and its log."""

    def run(line):
        outcome = Worker(threads=1).run(task(tmp_path, line))
        return outcome.reason, (tmp_path / "log").read_text()

    return run


def task(folder, line):
    return Task("cell", str(folder), (Step(("/bin/sh", "-c", line)),), (), f"{folder}/log")


def test_the_log_has_all_output_and_the_reason_is_its_last_line(run):
    assert run("echo one; echo two >&2") == ("", "one\ntwo\n")
    assert run("echo one; echo ' two ' >&2; echo; exit 3") == ("two", "one\n two \n\n")
    assert run("exit 3") == ("exit 3: exit code 3", "")


def test_an_empty_log_on_a_full_disk_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setattr(worker.shutil, "disk_usage", lambda path: Mock(free=0, path=path))
    reason, _ = run("exit 3")
    assert reason == f"exit 3: exit code 3 ({tmp_path}/log: No space left on device)"
    assert run("echo two; exit 3")[0] == "two"


def test_a_command_may_kill_its_process_group(run):
    assert run("trap 'echo two' TERM; echo one; kill 0") == ("", "one\ntwo\n")


def test_a_command_gets_signals_that_its_worker_blocks(run):
    line = "kill -s TERM $$; exit 3"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        assert run(line) == (f"{line}: exit code -15", "")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_the_guard_ends_with_the_command_and_kills_nothing_that_it_left(run):
    reason, log = run("sleep 100 > /dev/null 2>&1 & echo $!")
    assert reason == ""
    left = psutil.Process(int(log))
    group = os.getpgid(left.pid)
    wait(lambda: [one.pid for one in psutil.process_iter() if in_group(one, group)] == [left.pid])
    left.kill()


def in_group(process, group):
    with suppress(ProcessLookupError):
        return os.getpgid(process.pid) == group and alive(process)
    return False


def test_a_task_waits_for_leftovers_of_an_earlier_one(run, monkeypatch, tmp_path):
    monkeypatch.setattr("pipeline.cluster.worker.PATIENCE", 0.2)
    with (tmp_path / "log").open("w") as leftover:
        fcntl.flock(leftover, fcntl.LOCK_EX)
        reason, _ = run("echo one")
    assert reason.endswith("found one that still writes to the log")
    assert run("echo one") == ("", "one\n")


@pytest.mark.parametrize(("chosen", "seen"), [(True, "3"), (False, "")])
def test_commands_see_the_number_of_threads_that_the_user_chose(
    chosen, seen, tmp_path, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # by Ray
    worker = Worker(threads=3, chosen=chosen)
    assert worker.run(task(tmp_path, 'echo "$OMP_NUM_THREADS"')).reason == ""
    assert (tmp_path / "log").read_text() == f"{seen}\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_that_a_command_started_ends_with_its_worker(tmp_path, number):
    line = "sh -c 'echo $$ >> pids; while sleep 0.1; do :; done; true' | cat"
    code = (
        "from pipeline.cluster.worker import Worker\n"
        "from tests.cluster.test_worker import task\n"
        f"Worker(threads=1).run(task({str(tmp_path)!r}, {line!r}))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    pids = tmp_path / "pids"
    wait(lambda: pids.exists() and pids.read_text())
    command = psutil.Process(int(pids.read_text()))
    worker.send_signal(number)
    worker.wait()
    assert_gone([command])
