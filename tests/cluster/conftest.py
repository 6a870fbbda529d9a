"""A toy repository to run."""

import shutil

import pytest

from tests.cluster import toy


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository in which nothing has run yet; the working folder."""
    folder = toy.repository(tmp_path / "ours")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def twin(repository, tmp_path):
    """Copies the repository as it is now, for `dvc repro`."""

    def copy():
        folder = tmp_path / "theirs"
        shutil.rmtree(folder, ignore_errors=True)
        return shutil.copytree(repository, folder, symlinks=True)

    return copy
