"""The project of the tests of dvc.yaml, and a disk."""

import subprocess

import pytest

from tests.dvc.conftest import project

__all__ = ["project"]


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, of 200 MiB, or a skip where nothing may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a file system: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)
