"""A worker's commands, in a process that needs no Ray."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from pipeline.cluster.cells import Cell, Shell
from pipeline.cluster.worker import Worker
from tests.cluster.running import alive, gone, wait
from tests.imports import ROOT


@pytest.fixture
def run(tmp_path):
    """Run a line of shell as a cell; returns the reason of its failure and its log."""

    def run(line):
        outcome = Worker(threads=1).run(cell(tmp_path, line))
        return outcome.reason, (tmp_path / "cell.log").read_text()

    return run


def cell(folder, line):
    return Cell("cell", str(folder), (Shell(("/bin/sh", "-c", line)),), (), f"{folder}/cell.log")


def test_a_command_says_its_reason_and_fills_its_log(run):
    assert run("echo one; echo two >&2") == ("", "one\ntwo\n")
    assert run("echo one; echo two >&2; exit 3") == ("two", "one\ntwo\n")
    assert run("exit 3") == ("exit 3: exit code 3", "")


def test_a_command_may_end_its_process_group(run):
    assert run("trap 'echo two' TERM; echo one; kill 0") == ("", "one\ntwo\n")


def test_a_command_hears_a_signal_that_its_worker_does_not(run):
    line = "kill -s TERM $$; exit 3"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        assert run(line) == (f"{line}: exit code -15", "")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_nothing_is_left_of_a_command_but_what_it_left_itself(run):
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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_that_a_command_began_ends_with_its_worker(tmp_path, number):
    line = "sh -c 'echo $$ >> pids; while sleep 0.1; do :; done; true' | cat"
    code = (
        "from pipeline.cluster.worker import Worker\n"
        "from tests.cluster.test_worker import cell\n"
        f"Worker(threads=1).run(cell({str(tmp_path)!r}, {line!r}))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    wait(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    command = psutil.Process(int((tmp_path / "pids").read_text()))
    worker.send_signal(number)
    worker.wait()
    assert gone([command])
