import json
import platform
import subprocess
import sys

import pytest
import torch

from pipeline.training.reproducibility import set_threads
from tests import toys
from tests.commands import call
from tests.imports import ROOT


@pytest.fixture(autouse=True)
def torch_with_three_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_the_threads_of_the_run_are_used_and_those_of_the_machine_returned():
    assert set_threads(2) == 3
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_of_the_machine_change_no_bit(threads, prepared, monkeypatch):
    toys.write_params(toys.params(training__threads=threads), prepared / "params.yaml")
    monkeypatch.setattr("pipeline.training.prediction.TOKENS_PER_BATCH", {"cpu": 100})
    found = []
    for machine in (1, 2, 5):
        torch.set_num_threads(machine)
        assert call(monkeypatch, "train", "mpt", "--shots", "1", "--seed", "1") == 0
        facts = json.loads((prepared / "data/circumstances/mpt/k1/s1.json").read_text())
        assert facts["threads"] == threads
        folder = prepared / "data/runs/mpt/k1/s1"
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1] == found[2]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to")
def test_freed_memory_is_kept():
    code = """
import torch
from pipeline.training.reproducibility import keep_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def added():
    before = resident()
    values = torch.ones(25_000_000)
    del values
    return resident() - before

print(added() < 50e6)
keep_memory()
print(added() > 90e6)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["True", "True"]
