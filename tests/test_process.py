"""A command in unusual surroundings: closed streams, other encodings, variables of libraries."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from stages.process import KERNELS, prepare_environment
from tests.commands import call, environment, only_line, refusal
from tests.imports import ROOT

FORCED = shlex.join([sys.executable, "-m", "stages", "profile", "pocket", "--force"])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which `mpt profile` has something to do."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "profiles", "profiles")
    return tmp_path


def shell(line, **changes):
    pipes = {"capture_output": True, "text": True, "env": environment(**changes)}
    return subprocess.run(["/bin/sh", "-c", line], check=False, **pipes)


@pytest.mark.parametrize(
    ("streams", "code", "complaint"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        ("1</dev/null", 0, ""),  # what a command gets under `dvc repro >&-`
        (">/dev/full", 1, "mpt: stdout: No space left on device\n"),
    ],
)
def test_a_command_does_its_work_without_streams(streams, code, complaint, folder):
    done = shell(f"{FORCED} {streams}")
    assert (done.returncode, done.stderr) == (code, complaint)
    assert (folder / "params.yaml").read_bytes() == (ROOT / "profiles/pocket.yaml").read_bytes()


def test_a_command_does_its_work_after_its_reader_has_left(folder):
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": writing, "stderr": writing}
    done = subprocess.run(shlex.split(FORCED), env=environment(), check=False, **streams)
    os.close(writing)
    assert done.returncode == 0
    assert (folder / "params.yaml").exists()


def test_an_error_without_stderr_keeps_its_exit_code(folder):
    assert shell(f"{FORCED} nope 2>&-").returncode == 2
    assert shell(f"{FORCED} nope 2>/dev/full").returncode == 2


def test_letters_that_the_terminal_lacks_are_replaced(folder):
    shutil.copy("profiles/pocket.yaml", "profiles/für.yaml")
    listed = shell(FORCED.replace("pocket --force", ""), PYTHONIOENCODING="ascii")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "f?r" in listed.stdout.split()
    refused = shell(FORCED.replace("pocket", "schön"), PYTHONIOENCODING="ascii")
    assert "found 'sch\\xf6n'" in only_line(refused.stderr)


@pytest.mark.parametrize(
    ("found", "left"),
    [(None, None), ("", None), (" ", None), ("1", "1"), (" 12 ", "12"), ("4,2", "4")],
)
def test_the_number_of_threads_is_one_number_or_unset(found, left, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", found or "")
    if found is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    prepare_environment()
    assert os.environ.get("OMP_NUM_THREADS") == left


def test_a_process_keeps_few_kernels_unless_it_is_told_how_many(monkeypatch):
    for name in KERNELS:
        monkeypatch.setenv(name, "7")
        monkeypatch.delenv(name)
    prepare_environment()
    assert {name: os.environ[name] for name in KERNELS} == KERNELS
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "9")
    prepare_environment()
    assert os.environ["LRU_CACHE_CAPACITY"] == "9"


@pytest.mark.parametrize("found", ["abc", "0", "-1", "2.5", "4,", "4,0", "1_0"])
def test_another_number_of_threads_is_refused(found, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", found)
    assert refusal(prepare_environment) == (
        f"OMP_NUM_THREADS: expected a number of threads, at least 1, found {found!r}"
    )


def test_a_wrong_variable_is_refused_before_anything_begins(folder, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "abc")
    assert call(monkeypatch, "repro") == 2
    assert only_line(capsys.readouterr().err).startswith("OMP_NUM_THREADS: expected")
    assert "PYTHONOPTIMIZE" in only_line(shell(FORCED, PYTHONOPTIMIZE="2").stderr)
    assert not (folder / "params.yaml").exists()
