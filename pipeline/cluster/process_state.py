"""Resets a process between tasks, so that one task cannot change the results of the next."""

import ctypes
import gc
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType


@contextmanager
def as_in_new_process(*, threads: int) -> Iterator[None]:
    """Run a block as if the process, with torch on `threads` CPU threads, had just started."""
    environment, folder, arguments = dict(os.environ), Path.cwd(), list(sys.argv)
    _reset(threads)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv[:] = arguments
        _reset(threads)


def _reset(threads: int) -> None:
    gc.collect()
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        _reset_torch(torch, threads)
    # A cell makes the C library keep freed memory, which would count as the next task's.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc
        trim(0)
    # Linux would otherwise report the peak memory of all tasks so far for each task.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _reset_torch(torch: ModuleType, threads: int) -> None:
    torch.seed()  # a new process also starts from a random seed
    torch.set_deterministic_debug_mode("default")
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
