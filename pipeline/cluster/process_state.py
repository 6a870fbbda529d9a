"""Resets a process between tasks, so that one task cannot change the results of the next."""

import gc
import os
import random
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType


class ProcessState:
    """The state of a process that every task starts from."""

    def __init__(self, *, threads: int) -> None:
        """Record the state of this process, except that torch is to use `threads` CPU threads."""
        self._environment = dict(os.environ)
        self._folder = Path.cwd()
        self._arguments = list(sys.argv)
        self._threads = threads

    def restore(self) -> None:
        """Reset the process and free the memory of the last task."""
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        sys.argv[:] = self._arguments
        gc.collect()
        random.seed()
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed()
        if torch := sys.modules.get("torch"):
            self._restore_torch(torch)
        # Linux would otherwise report the peak memory of all tasks so far for each task.
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

    def _restore_torch(self, torch: ModuleType) -> None:
        torch.seed()  # a new process also starts from a random seed
        torch.set_deterministic_debug_mode("default")
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = False
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
