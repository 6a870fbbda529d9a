"""Time and peak memory of one contender in one round."""

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from bench.contenders import Contender, Drawn

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure(
    make: Callable[[], Contender], batches: Sequence[Drawn], *, warmup: int, test: pd.DataFrame
) -> tuple[dict[str, float], Tensor]:
    """Build a contender from the initial weights, let it predict, then train.

    Args:
        make: builds it.
        batches: of each update.
        warmup: number of updates before the clock starts.
        test: language, pair_id, premise, hypothesis, label.

    Returns:
        Milliseconds per update, predicted examples per second (tokenization included), the peak
        memory of both in MiB, and the loss of the first batch before training, without dropout,
        in nats; and the predicted probabilities, [N, C].
    """
    memory = Memory()
    contender = make()
    contender.method.eval()
    with torch.no_grad():
        loss = float(contender.loss(batches[0]))
    contender.probabilities(test.head(len(test) // 8 + 1))
    memory.peak()
    started = time.perf_counter()
    probabilities = contender.probabilities(test)
    prediction_seconds, prediction_mib = time.perf_counter() - started, memory.peak()
    contender.method.train()
    for number, drawn in enumerate(batches):
        if number == warmup:
            _wait_for_gpu()
            started = time.perf_counter()
        contender.update(drawn)
    _wait_for_gpu()
    training_seconds = time.perf_counter() - started
    numbers = {
        "update_ms": 1000 * training_seconds / (len(batches) - warmup),
        "examples_per_second": len(test) / prediction_seconds,
        "training_mib": memory.peak(),
        "prediction_mib": prediction_mib,
        "loss": loss,
    }
    return numbers, probabilities


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Memory:
    """Peak memory above what was held at the start: of tensors on a GPU, else of the process."""

    def __init__(self) -> None:
        gc.collect()
        self._on_gpu = torch.cuda.is_available()
        if self._on_gpu:
            torch.cuda.empty_cache()
        self._start = self._reset()

    def peak(self) -> float:
        """Return the peak since the last call in MiB, NaN if the system does not report it."""
        peak = torch.cuda.max_memory_allocated() if self._on_gpu else _status("VmHWM")
        self._reset()
        return (peak - self._start) / 2**20

    def _reset(self) -> float:
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
            return torch.cuda.memory_allocated()
        try:
            RESET.write_text("5")  # sets VmHWM to what is held now
        except OSError:
            return float("nan")
        return _status("VmRSS")


def _status(name: str) -> int:
    lines = STATUS.read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
