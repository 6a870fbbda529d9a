"""A trained method's predictions for sentence pairs of any language."""

from collections.abc import Iterator, Sequence

import pandas as pd
import torch

from pipeline.blocks import LABELS
from pipeline.methods.base import Method
from pipeline.progress import Progress, silent
from pipeline.prompting.rows import Row

TOKENS_A_BATCH = {"cpu": 8_192, "cuda": 16_384}
"""Rows are batched by length up to this many tokens, padding included. More leave a CPU's cache."""


def predict(method: Method, examples: pd.DataFrame, *, progress: Progress = silent) -> pd.DataFrame:
    """Predict every example.

    Args:
        method: trained; left in evaluation mode.
        examples: language, pair_id, premise, hypothesis, label.
        progress: told of each batch.

    Returns:
        The columns of artifacts.PREDICTIONS, in the examples' order.
    """
    examples = examples.reset_index(drop=True)
    rows: list[Row] = []
    places: list[int] = []
    for code, part in examples.groupby("language", sort=False, observed=True):
        rows += method.rows(list(part.premise), list(part.hypothesis), language=str(code))
        places += part.index.tolist()
    probabilities = torch.empty(len(rows), len(LABELS))
    probabilities[places] = _probabilities(method, rows, progress)
    frame = examples[["language", "pair_id", "label"]].copy()
    frame["predicted"] = probabilities.argmax(-1).numpy()
    for label, name in enumerate(LABELS):
        frame[f"p_{name}"] = probabilities[:, label].numpy()
    return frame


@torch.inference_mode()
def _probabilities(method: Method, rows: Sequence[Row], progress: Progress) -> torch.Tensor:
    method.eval()
    order: list[int] = []
    parts: list[torch.Tensor] = []
    for places in _batches(rows, TOKENS_A_BATCH[method.device.type]):
        with autocast(method):
            logits = method.label_logits(method.collate([rows[place] for place in places]))
        parts.append(logits.float().softmax(-1))
        order += places
        progress("predicting", len(order), len(rows))
    # Reading from the device waits for it, so it is done once.
    found = torch.empty(len(rows), len(LABELS))
    found[order] = torch.cat(parts).cpu()
    return found


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
