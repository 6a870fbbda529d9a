"""A trained method's predictions for sentence pairs of any language."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pandas as pd
import torch

from pipeline.backbone.rows import Row
from pipeline.methods.base import Method
from pipeline.params.runs import LABELS
from pipeline.progress import Progress, silent

TOKENS_A_BATCH = {"cpu": 4_096, "cuda": 16_384}
"""Rows are batched by length up to this many tokens, padding included. More leave a CPU's cache."""


def predict(
    method: Method, examples: pd.DataFrame, *, threads: int = 1, progress: Progress = silent
) -> pd.DataFrame:
    """Predict every example.

    Args:
        method: trained; left in evaluation mode.
        examples: language, pair_id, premise, hypothesis, label.
        threads: in which batches are predicted side by side, each as torch computes in one
            thread; where it has one anyway, results are the same in any number.
        progress: told of each batch.

    Returns:
        The columns of artifacts.PREDICTIONS, in the examples' order.
    """
    examples = examples.reset_index(drop=True)
    rows: list[Row] = []
    places: list[int] = []
    for code, part in examples.groupby("language", sort=False, observed=True):
        rows += method.rows(part.premise.tolist(), part.hypothesis.tolist(), language=str(code))
        places += part.index.tolist()
    probabilities = torch.empty(len(rows), len(LABELS))
    probabilities[places] = _probabilities(method, rows, threads, progress)
    frame = examples[["language", "pair_id", "label"]].copy()
    frame["predicted"] = probabilities.argmax(-1).numpy()
    for label, name in enumerate(LABELS):
        frame[f"p_{name}"] = probabilities[:, label].numpy()
    return frame


def _probabilities(
    method: Method, rows: Sequence[Row], threads: int, progress: Progress
) -> torch.Tensor:
    method.eval()
    batches = list(_batches(rows, TOKENS_A_BATCH[method.device.type]))
    order: list[int] = []
    parts: list[torch.Tensor] = []

    def of_batch(places: Sequence[int]) -> torch.Tensor:
        # These contexts hold for the thread that enters them.
        with torch.inference_mode(), autocast(method):
            logits = method.label_logits(method.collate([rows[place] for place in places]))
        return logits.float().softmax(-1)

    with _side_by_side(min(threads, len(batches))) as each:
        for places, part in zip(batches, each(of_batch, batches), strict=True):
            parts.append(part)
            order += places
            progress("predicting", len(order), len(rows))
    # Reading from the device waits for it, so it is done once.
    found = torch.empty(len(rows), len(LABELS))
    found[order] = torch.cat(parts).cpu()
    return found


@contextmanager
def _side_by_side(threads: int) -> Iterator[Callable[..., Iterator[torch.Tensor]]]:
    """Give a `map` that works in some threads, each of which computes in one."""
    if threads < 2:
        yield map
        return
    # A thread that starts has torch's usual number again, not that of the one that starts it.
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody wants the rest


def autocast(method: Method) -> torch.autocast:
    """Return the context in which a method computes: bfloat16 where its run says so."""
    return torch.autocast(
        method.device.type,
        dtype=torch.bfloat16,
        enabled=method.run.training.precision == "bfloat16",
    )


def _batches(rows: Sequence[Row], tokens: int) -> Iterator[list[int]]:
    """Give places of rows of like length, so that little is padded; longest first."""
    batch: list[int] = []
    for place in sorted(range(len(rows)), key=lambda place: -len(rows[place].ids)):
        if batch and (len(batch) + 1) * len(rows[batch[0]].ids) > tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def accuracy(predictions: pd.DataFrame) -> float:
    """Return the accuracy of predictions in percent."""
    return float((predictions.label == predictions.predicted).mean() * 100)
