"""Temporaries have one name, and go when their process is gone and the next one writes there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import files
from pipeline.errors import RunError
from tests.commands import environment
from tests.imports import ROOT

HOLD = """
import sys, time
from pathlib import Path
from pipeline.files import atomic
with atomic(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is in the middle of writing a file."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out" / "slow.txt")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def left(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_a_killed_process_left_goes_with_the_next_write_there(writer, tmp_path):
    folder = tmp_path / "out"
    files.write_text("one", folder / "other.txt")
    assert left(folder) == ["other.txt", "slow.txt"]  # the process lives
    writer.kill()
    writer.wait()
    assert left(folder) == ["other.txt", "slow.txt"]
    assert not (folder / "slow.txt").exists()
    files.write_text("two", folder / "other.txt")
    assert [path.name for path in folder.iterdir()] == ["other.txt"]


def test_git_and_dvc_ignore_temporaries(tmp_path):
    from dvc.ignore import DvcIgnoreFilter
    from dvc.repo import Repo

    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    path = tmp_path / "elsewhere" / f"{files.UNFINISHED}x" / "half"
    path.parent.mkdir(parents=True)
    path.touch()
    command = ["git", "check-ignore", "-q", str(path)]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    with Repo.init(str(tmp_path), no_scm=True) as repo:
        assert DvcIgnoreFilter(repo.fs, str(tmp_path)).is_ignored_dir(str(path.parent))


def test_a_written_file_has_ordinary_rights(tmp_path):
    files.write_text("one", tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("one")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def full():
    raise OSError(28, os.strerror(28))


def in_the_words_of_pyarrow():
    raise OSError("Error writing bytes to file. Detail: [errno 28] No space left on device")


def fail(write, path):
    with files.atomic(path) as draft:
        draft.write_text("half")
        write()


@pytest.mark.parametrize("write", [full, in_the_words_of_pyarrow])
def test_a_full_disk_is_one_line_with_the_file(write, tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(RunError) as failed:
        fail(write, path)
    assert str(failed.value) == f"{path}: cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_one_line(tmp_path):
    with pytest.raises(RunError, match="cannot be written: Is a directory"):
        files.write_text("one", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be written: (File exists|Not a directory)"):
        files.write_text("one", Path(tmp_path / "file" / "a.txt"))
