"""A process as it was before a cell: what one leaves behind must not change the next."""

import gc
import os
import random
import sys
from pathlib import Path


class Beginning:
    """The state that each cell begins with."""

    def __init__(self, *, threads: int) -> None:
        """Take down this process's state.

        Args:
            threads: that torch gets on the CPU.
        """
        self._environment = dict(os.environ)
        self._folder = Path.cwd()
        self._arguments = list(sys.argv)
        self._threads = threads

    def restore(self) -> None:
        """Go back to it, and forget what the last cell needed."""
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        sys.argv[:] = self._arguments
        random.seed()
        if "numpy" in sys.modules:
            import numpy as np

            np.random.seed()
        if "torch" in sys.modules:
            self._restore_torch()
        gc.collect()
        _forget_peak_memory()

    def _restore_torch(self) -> None:
        import torch

        torch.seed()  # of a new process it is another each time, too
        torch.set_deterministic_debug_mode("default")
        torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = False
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def _forget_peak_memory() -> None:
    # Of a warm worker the system would give each cell the peak of all before it.
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return
