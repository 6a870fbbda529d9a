import platform
import subprocess
import sys

import pytest
import torch

from pipeline.training.reproducibility import SMALL, set_threads
from tests.imports import ROOT


@pytest.fixture(autouse=True)
def torch_with_three_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("parameters", "variable", "threads", "at_once"),
    [(SMALL - 1, None, 1, 3), (SMALL, None, 3, 1), (SMALL - 1, "3", 3, 1)],
)
def test_a_small_model_uses_one_thread_and_leaves_the_others(
    parameters, variable, threads, at_once, monkeypatch
):
    if variable:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert set_threads(parameters) == at_once
    assert torch.get_num_threads() == threads


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
