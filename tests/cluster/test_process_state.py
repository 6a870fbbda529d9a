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
