"""Times and peak memory of one contender."""

import gc
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from bench.contenders import Contender, Drawn

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MIB = 2**20


@dataclass(frozen=True)
class Plan:
    """What is done in a round, after batches that are not timed.

    Attributes:
        warmup: batches of each stream, trained on before the clock starts.
        batches: batches of each stream, a batch an update.
        test: what is predicted, before training.
    """

    warmup: Sequence[Drawn]
    batches: Sequence[Drawn]
    test: pd.DataFrame


@dataclass(frozen=True)
class Round:
    """What one contender did in a round.

    Attributes:
        loss: of the first batch before training and without dropout, in nats.
        milliseconds: of each update.
        examples_a_second: of prediction, from text to probabilities.
        training_mib: peak memory of training, above what the process held before.
        prediction_mib: the same of prediction.
        probabilities: what was predicted, [N, C].
    """

    loss: float
    milliseconds: list[float]
    examples_a_second: float
    training_mib: float | None
    prediction_mib: float | None
    probabilities: Tensor


def measure(make: Callable[[], Contender], plan: Plan, device: torch.device) -> Round:
    """Build a contender from its weights, predict, train, and let go of it."""
    memory = Memory(device)
    contender = make()
    contender.module.eval()
    with torch.no_grad():
        loss = float(contender.loss(plan.warmup[0]))
    contender.probabilities(plan.test.head(len(plan.test) // 8 + 1))
    memory.peak()
    began = time.perf_counter()
    probabilities = contender.probabilities(plan.test)
    seconds = time.perf_counter() - began
    prediction_mib = memory.peak()
    contender.module.train()
    for drawn in plan.warmup:
        contender.update(drawn)
    clock = Clock(device)
    for drawn in plan.batches:
        contender.update(drawn)
        clock.tick()
    milliseconds, rate = clock.milliseconds(), len(plan.test) / seconds
    return Round(loss, milliseconds, rate, memory.peak(), prediction_mib, probabilities)


class Clock:
    """Times between ticks; on a GPU those of its own events, so that nobody waits for it."""

    def __init__(self, device: torch.device) -> None:
        wait(device)
        self._on_gpu = device.type == "cuda"
        self._ticks: list[float | torch.cuda.Event] = []
        self.tick()

    def tick(self) -> None:
        """Note the time, on a GPU that at which all work until here is done."""
        if not self._on_gpu:
            self._ticks.append(time.perf_counter())
            return
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        self._ticks.append(event)

    def milliseconds(self) -> list[float]:
        """Return the times between the ticks."""
        pairs = list(zip(self._ticks, self._ticks[1:], strict=False))
        if self._on_gpu:
            torch.cuda.synchronize()
            return [before.elapsed_time(after) for before, after in pairs]
        return [(after - before) * 1000 for before, after in pairs]


def wait(device: torch.device) -> None:
    """Wait for all work of a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize()


class Memory:
    """Peaks of what is held above the start: of tensors on a GPU, else of the process."""

    def __init__(self, device: torch.device) -> None:
        gc.collect()
        self._on_gpu = device.type == "cuda"
        if self._on_gpu:
            torch.cuda.empty_cache()
        self._start = self._reset()

    def peak(self) -> float | None:
        """Return the peak since the last call in MiB, None where the system does not tell."""
        found = torch.cuda.max_memory_allocated() if self._on_gpu else _status("VmHWM")
        self._reset()
        return None if self._start is None else (found - self._start) / MIB

    def _reset(self) -> int | None:
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
            return torch.cuda.memory_allocated()
        try:
            RESET.write_text("5")  # VmHWM is now what is held now
        except OSError:
            return None
        return _status("VmRSS")


def _status(name: str) -> int:
    line = next(one for one in STATUS.read_text().splitlines() if one.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def refuse_more_memory_than_there_is() -> None:
    """Have an allocation fail that would take most of what is free, before the system kills."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(one.split()[1]) * 1024 for one in lines if one.startswith("MemAvailable"))
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    allowed = free * 3 // 4 if most == resource.RLIM_INFINITY else min(most, free * 3 // 4)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))
