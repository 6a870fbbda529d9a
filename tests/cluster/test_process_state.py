"""What a task leaves in its process."""

import platform
import subprocess
import sys

import pytest

from tests.imports import ROOT


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="elsewhere, no memory is kept")
def test_memory_that_a_cell_kept_does_not_count_as_the_next_tasks():
    code = """
import torch
from pipeline.cluster.process_state import as_in_new_process
from pipeline.training.reproducibility import keep_memory

def peak(megabytes):
    with as_in_new_process(threads=1):
        keep_memory()
        parts = [torch.ones(250_000) for _ in range(megabytes)]
        # Not that of getrusage, which begins with the peak of the process that started this one.
        return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024

print(peak(400) - peak(1) > 300)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["True"]


def test_what_a_task_changes_in_its_process_is_as_before_in_the_next():
    code = """
import os, random, sys
import numpy, torch
from pipeline.cluster.process_state import as_in_new_process

def state():
    return {
        "default type": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.get_deterministic_debug_mode(),
        "filled": torch.utils.deterministic.fill_uninitialized_memory,
        "cudnn": [torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic,
                  torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32],
        "folder": os.getcwd(),
        "arguments": list(sys.argv),
        "environment": dict(os.environ),
    }

def drawn():
    return torch.rand(1).item(), random.random(), numpy.random.rand()

def seed():
    torch.manual_seed(1); random.seed(1); numpy.random.seed(1)

seed()
seeded = drawn()
with as_in_new_process(threads=2):
    new = state()
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = True
    os.chdir("/")
    sys.argv[:] = ["other"]
    os.environ["LEFT"] = "1"
    del os.environ["PATH"]
    changed = state()
    seed()
with as_in_new_process(threads=2):
    after = state()
    again = drawn()
print({name for name in new if new[name] == changed[name]} or "all were changed")
print({name for name in new if new[name] != after[name]} or "all are as before")
print({one == other for one, other in zip(again, seeded)})
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["all were changed", "all are as before", "{False}"]
