"""Same seed, same machine, same bytes; and a note of what varies all the same."""

import os
import platform
import resource
from importlib.metadata import version
from typing import Any

import torch

SMALL = 10_000_000
"""A backbone of fewer parameters spends more on waking threads than they save."""


def make_deterministic(seed: int) -> torch.Generator:
    """Seed everything that draws and forbid what adds in no fixed order.

    Dropout and initial weights draw from torch's global generator, which the libraries offer
    no way around; everything else draws from the generator that is returned.

    Args:
        seed: of the run.
    """
    # cuBLAS asks for this before its first call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    # What use_deterministic_algorithms does, but for the compiler that it imports to tell it.
    torch.set_deterministic_debug_mode("error")
    # Filling memory that is written anyway would cost a quarter of a small model's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    # LSTMs alone would otherwise round to ten bits on a GPU; matrix products do not.
    torch.backends.cudnn.allow_tf32 = False
    return torch.Generator().manual_seed(seed)


def set_threads(parameters: int) -> int:
    """Set the CPU threads of a computation: one for a small model, which more only slow down.

    A number in OMP_NUM_THREADS stands.

    Args:
        parameters: of the backbone.

    Returns:
        How many such computations there is room for, side by side, in the threads that torch had.
    """
    if "OMP_NUM_THREADS" in os.environ or parameters >= SMALL:
        return 1
    room = torch.get_num_threads()
    torch.set_num_threads(1)
    return room


def device() -> torch.device:
    """Return the first GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def circumstances() -> dict[str, Any]:
    """Return what a run's results do not hold: versions, machine, peak memory in MiB."""
    found: dict[str, Any] = {
        name: version(name) for name in ("torch", "tokenizers", "safetensors", "numpy")
    }
    found["python"] = platform.python_version()
    found["machine"] = platform.machine()
    found["threads"] = torch.get_num_threads()
    found["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found["device"] = "cpu"
    if torch.cuda.is_available():
        found["device"] = torch.cuda.get_device_name()
        found["peak_device_memory_mib"] = torch.cuda.max_memory_allocated() // 2**20
    return found
