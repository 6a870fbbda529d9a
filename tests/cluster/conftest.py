"""A toy repository to run."""

import shutil
from contextlib import closing

import pytest

from tests.cluster import toy
from tests.commands import call
from tests.imports import ROOT


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


@pytest.fixture(scope="session")
def workers():
    """Two warm workers on a Ray of this process, which takes seconds to start."""
    from pipeline.cluster.pool import RayWorkers

    pool = RayWorkers(jobs=2, address=None, gpus_per_cell=None)
    with closing(pool), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # tests/cluster/program.py is a test's
        yield pool


@pytest.fixture
def repro(workers, monkeypatch):
    """`mpt repro` in this process and on those workers; returns its exit code."""
    monkeypatch.setattr("pipeline.cluster.pool.RayWorkers", lambda **options: workers)
    monkeypatch.setattr(workers, "close", lambda: None)
    return lambda *options: call(monkeypatch, "repro", *options)
