"""A trained method's predictions for sentence pairs of any language."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import pandas as pd
import torch

from pipeline.backbone.rows import Batch, Row
from pipeline.params.runs import LABELS
from pipeline.progress import Progress, silent
from pipeline.training.method import Method

TOKENS_PER_BATCH = {"cpu": 4_096, "cuda": 16_384}
"""The most tokens in a batch, padding included; on a CPU, more do not fit its cache."""


class Predictor(Protocol):
    """What predicts: a method, or a model that was exported."""

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""

    @property
    def precision(self) -> str:
        """Either float32 or bfloat16."""

    def eval(self) -> Any:  # noqa: ANN401
        """Enter evaluation mode."""

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Put rows into a batch on the device."""

    def label_logits(self, batch: Batch) -> torch.Tensor:
        """Return a logit for each label, and perhaps one to exceed; see Method."""


def predict(
    method: Method,
    examples: pd.DataFrame,
    *,
    threads: int | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Predict every example; return the columns of PREDICTIONS, in the examples' order.

    Args:
        method: trained; left in evaluation mode.
        examples: language, pair_id, premise, hypothesis, label.
        threads: how many batches a CPU predicts at once, each in one thread of torch, so that
            their number does not change the results; by default, as many as torch has threads.
        progress: called after each batch.
    """
    examples = examples.reset_index(drop=True)
    rows: list[Row] = []
    order: list[int] = []
    for code, part in examples.groupby("language", sort=False, observed=True):
        rows += method.rows(part.premise.tolist(), part.hypothesis.tolist(), language=str(code))
        order += part.index.tolist()
    back = torch.tensor(order).argsort()
    judged = predict_rows(method, rows, threads=threads, progress=progress)[back]
    frame = examples[["language", "pair_id", "label"]].copy()
    frame["predicted"] = predicted(judged).numpy()
    for label, name in enumerate(LABELS):
        frame[f"p_{name}"] = judged[:, label].numpy()
    return frame


def predicted(judged: torch.Tensor) -> torch.Tensor:
    """Return the label ids that `predict_rows` predicts, -1 for none, [N]."""
    probabilities, none = judged[:, : len(LABELS)], judged[:, len(LABELS) :].any(-1)
    return probabilities.argmax(-1).masked_fill(none, -1)


def predict_rows(
    method: Predictor,
    rows: Sequence[Row],
    *,
    threads: int | None = None,
    progress: Progress = silent,
) -> torch.Tensor:
    """Return the label probabilities of each row, [len(rows), C], on the CPU.

    If other answers compete, a further column is 1 where one of them is likelier than the labels.
    """
    method.eval()
    batches = list(_batches(rows, TOKENS_PER_BATCH[method.device.type]))
    order: list[int] = []
    parts: list[torch.Tensor] = []

    def of_batch(indices: Sequence[int]) -> torch.Tensor:
        # These contexts are per thread.
        with torch.inference_mode(), autocast(method):
            logits = method.label_logits(method.collate([rows[index] for index in indices]))
        labels, others = logits[:, : len(LABELS)], logits[:, len(LABELS) :]
        return torch.cat([labels.softmax(-1), others > labels.amax(-1, keepdim=True)], dim=-1)

    threads = threads or torch.get_num_threads()
    at_once = min(threads, len(batches)) if method.device.type == "cpu" else 1
    with _thread_map(at_once) as thread_map:
        for indices, part in zip(batches, thread_map(of_batch, batches), strict=True):
            parts.append(part)
            order += indices
            progress("predicting", len(order), len(rows))
    # Reading from the device waits for it, so it is done once.
    return torch.cat(parts).cpu()[torch.tensor(order).argsort()]


@contextmanager
def _thread_map(threads: int) -> Iterator[Callable[..., Iterator[torch.Tensor]]]:
    """Yield a `map` over some threads, each with one torch thread."""
    if threads < 2 and torch.get_num_threads() < 2:
        yield map
        return
    usual = torch.get_num_threads()
    # A new thread starts with torch's default number of threads, not with its parent's.
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C, do not finish the rest
        torch.set_num_threads(usual)  # MKL has one number for all threads


def autocast(method: Predictor) -> torch.autocast:
    """Return the context in which a method computes: bfloat16 if its run says so."""
    enabled = method.precision == "bfloat16"
    return torch.autocast(method.device.type, dtype=torch.bfloat16, enabled=enabled)


def _batches(rows: Sequence[Row], tokens: int) -> Iterator[list[int]]:
    """Yield indices of rows of similar length, which need little padding; longest first."""
    batch: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: -len(rows[index].ids)):
        if batch and (len(batch) + 1) * len(rows[batch[0]].ids) > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def accuracy(predictions: pd.DataFrame) -> float:
    """Return the accuracy of predictions in percent."""
    return float((predictions.label == predictions.predicted).mean() * 100)
