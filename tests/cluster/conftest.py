"""A toy repository to run, and Ray for the tests that need it."""

import shutil
from contextlib import closing

import pytest

from tests.cluster import toy
from tests.commands import call
from tests.imports import ROOT

# Ray notices a lost node within two seconds instead of thirty.
HEALTH = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository in which nothing has run yet; the working directory."""
    folder = toy.repository(tmp_path / "ours")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def sequential(repository, tmp_path):
    """Runs `dvc repro` in a copy of the repository as it is now; returns the copy."""

    def repro(**options):
        folder = tmp_path / "theirs"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(repository, folder, symlinks=True)
        toy.dvc_repro(folder, **options)
        return folder

    return repro


@pytest.fixture(scope="session")
def ray_environment():
    """What every process with Ray in it must agree on, whichever starts first."""
    pytest.importorskip("ray", reason="mpt repro's extra")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("PYTHONPATH", str(ROOT))  # workers import tests/cluster/program.py
        yield


@pytest.fixture(scope="session")
def workers(ray_environment):
    """Two warm workers on a Ray of this process."""
    from pipeline.cluster.ray_workers import RayWorkers

    with closing(RayWorkers(jobs=2, address=None, gpus=None)) as pool:
        yield pool


@pytest.fixture
def repro(workers, monkeypatch):
    """Runs `mpt repro` in this process on the warm workers; returns its exit code."""
    monkeypatch.setattr("pipeline.cluster.ray_workers.RayWorkers", lambda **options: workers)
    monkeypatch.setattr(workers, "close", lambda: None)
    return lambda *options: call(monkeypatch, "repro", *options)


@pytest.fixture(scope="session")
def cluster(ray_environment):
    """A cluster of one node with two CPUs, for `mpt repro` as a process."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 2, "_system_config": HEALTH}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    yield nodes
    nodes.shutdown()
