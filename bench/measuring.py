"""The times of one contender in one round."""

import time
from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from bench.contenders import Contender, Drawn


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
        Milliseconds per update, predicted examples per second (tokenization included), and the
        loss of the first batch before training, without dropout, in nats; and the predicted
        probabilities, [N, C].
    """
    contender = make()
    contender.method.eval()
    with torch.no_grad():
        loss = float(contender.loss(batches[0]))
    contender.probabilities(test.head(len(test) // 8 + 1))
    started = time.perf_counter()
    probabilities = contender.probabilities(test)
    prediction_seconds = time.perf_counter() - started
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
        "loss": loss,
    }
    return numbers, probabilities


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
