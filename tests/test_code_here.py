"""The code that runs is that of the folder in which a command runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import ROOT

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture
def clone(tmp_path):
    """Another copy of the project, whose code differs."""
    for name in ("pipeline", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    path = tmp_path / "stages/cli.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Few-shot cross-lingual NLI", "The clone"), encoding="utf-8")
    return tmp_path


def first_lines(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `mpt --help` with the code of this repository installed, as in its environment."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['mpt', '--help']; "
        "from stages.cli import script; script()"
    )
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folder,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_another_clone_its_own_code_runs(clone):
    assert "The clone with prompts" in first_lines(clone).stdout


def test_elsewhere_the_installed_code_runs(tmp_path):
    assert "Few-shot cross-lingual NLI with prompts" in first_lines(tmp_path).stdout
    assert "Few-shot cross-lingual NLI with prompts" in first_lines(ROOT).stdout


def test_a_folder_whose_code_cannot_run_is_refused(clone):
    ended = first_lines(clone, PYTHONPATH=str(clone))
    assert ended.returncode == 2
    assert ended.stderr == (
        f"mpt: {clone}: expected to run the code of this folder, found that of {ROOT}\n"
    )
