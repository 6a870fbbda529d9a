"""The same seed on the same machine gives the same bytes; `circumstances` notes what varies."""

import ctypes
import os
import platform
import resource
import sys
from importlib.metadata import version
from typing import Any

import torch


def make_deterministic(seed: int) -> torch.Generator:
    """Seed all random draws and forbid operations that add in no fixed order.

    Dropout and initial weights draw from torch's global generator, because the libraries offer no
    other; everything else draws from the generator that is returned.
    """
    # cuBLAS reads this at its first call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    # What use_deterministic_algorithms does, without importing the compiler.
    torch.set_deterministic_debug_mode("error")
    # Filling memory that is overwritten anyway would take a quarter of a small model's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    # On a GPU, LSTMs would round to ten bits, unlike matrix products.
    torch.backends.cudnn.allow_tf32 = False
    return torch.Generator().manual_seed(seed)


def set_threads(number: int) -> int:
    """Compute in so many CPU threads: sums that threads share differ in their last bits.

    Return how many threads torch had, which depends on the machine and OMP_NUM_THREADS.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(number)
    return threads


def keep_memory() -> None:
    """Keep freed memory for the next update, instead of giving it back and clearing it again.

    A tenth of the time of an update (docs/performance.md). Only glibc has these options.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        trim_threshold, most_mappings = -1, -4  # of malloc.h
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(most_mappings, 0)


def device() -> torch.device:
    """Return the first GPU, or the CPU if there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def circumstances() -> dict[str, Any]:
    """Return what may differ between two trainings: versions, machine, peak memory in MiB."""
    cuda = torch.cuda.is_available()
    packages = ["torch", "tokenizers", "safetensors", "numpy"]
    packages += [name for name in ("transformers",) if name in sys.modules]  # some backbones
    facts: dict[str, Any] = {
        **{name: version(name) for name in packages},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "device": torch.cuda.get_device_name() if cuda else "cpu",
    }
    if cuda:
        facts["peak_device_memory_mib"] = torch.cuda.max_memory_allocated() // 2**20
    return facts
