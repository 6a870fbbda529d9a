"""Repositories with the real dvc.yaml and toy data, and commands in them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests import toys
from tests.dvc.parameters import parameters
from tests.imports import ROOT


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """Return the environment of a command in a repository, which has its own code."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(folder), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return os.environ | own | changes


def ended_run(*command: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=cwd, env=environment(cwd), capture_output=True, text=True, check=False
    )


def run(*command: str, cwd: Path) -> str:
    done = ended_run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def made_repository(folder: Path, backbone: Path) -> Path:
    """Make a repository of git and DVC in an empty folder, in which nothing has run yet."""
    for name in ("pipeline", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("data/paper", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    toys.hub(folder / "data/pocket/hub")
    shutil.copytree(backbone, folder / "data/pocket/backbone")
    toys.write_params(parameters(), folder / "params.yaml")
    run("git", "init", "-q", cwd=folder)
    for key, value in (("user.name", "Nobody"), ("user.email", "nobody@example.org")):
        run("git", "config", key, value, cwd=folder)
    run("dvc", "init", "-q", cwd=folder)
    return folder
