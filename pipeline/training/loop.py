"""The training loop: updates drawn from a method's streams, and the epoch to keep."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import pandas as pd
import torch
from torch import Tensor, nn

from pipeline.cells.files import History
from pipeline.errors import InputError, RunError
from pipeline.params.runs import LABELS, Run
from pipeline.params.training import Training
from pipeline.progress import Progress, silent
from pipeline.training.method import Example, Method, Moment
from pipeline.training.optimizer import Adam, Group
from pipeline.training.prediction import accuracy, autocast, predict
from pipeline.training.text import TrainingText

T = TypeVar("T")


def fit(
    method: Method,
    text: TrainingText,
    dev: pd.DataFrame,
    *,
    generator: torch.Generator,
    progress: Progress = silent,
) -> History:
    """Train a method with its run's settings, and leave it with the selected epoch's weights.

    With no epochs, it stays as it is, and its history has only an epoch 0.

    `dev` is in the source language; `generator` is for the order of examples and the method's own
    draws; `progress` is called after each epoch, with the loss and the dev accuracy.

    Raises:
        InputError: there is nothing to draw from, or no epoch from `select_from` on.
        RunError: the loss is not a number any more.
    """
    training = method.run.training
    streams = method.streams(text, generator)
    _require_examples(method.run, streams)
    size, length = batch_size(training, text), length_of(training, text, streams)
    method.run.require_epochs(math.ceil(length.updates / length.epoch))
    draws = {name: cycle(part, size, generator) for name, part in streams.items()}
    optimizer = make_optimizer(method, training)
    rows: list[dict[str, float]] = []
    best: tuple[float, int, dict[str, Tensor]] = (-1.0, 0, {})
    for start in range(0, length.updates, length.epoch):
        steps = range(start, min(start + length.epoch, length.updates))
        epoch, done = len(rows) + 1, steps[-1] + 1
        moments = [Moment(step, length.updates, epoch) for step in steps]
        means = _epoch(method, draws, optimizer, moments)
        if not math.isfinite(means["loss"]):
            raise RunError(f"training: the loss is {means['loss']} in epoch {epoch}")
        dev_accuracy = accuracy(predict(method, dev))
        note = f"epoch {epoch}, loss {means['loss']:.3f}, dev {dev_accuracy:.1f} %"
        progress("training", done, length.updates, note)
        rows.append({"epoch": epoch, "updates": done, **means, "dev_accuracy": dev_accuracy})
        selects = training.selection == "best_dev" and epoch >= training.select_from
        if selects and dev_accuracy > best[0]:
            best = (dev_accuracy, epoch, trained_state(method, best[2]))
    if not rows:
        row = {"epoch": 0, "updates": 0, "dev_accuracy": accuracy(predict(method, dev))}
        return History(pd.DataFrame([row]), 0)
    if training.selection == "last":
        return History(pd.DataFrame(rows), len(rows))
    method.load_state_dict(best[2], strict=False)
    return History(pd.DataFrame(rows), best[1])


def _require_examples(run: Run, streams: Mapping[str, Sequence[Example]]) -> None:
    """Raise an InputError if a stream has no examples, since nothing could be drawn from it."""
    for name, examples in streams.items():
        if not examples:
            raise InputError(
                f"pipeline/methods/{run.method}.py: streams: expected examples in {name!r}, "
                f"found none (run {run.name})"
            )


class Length(NamedTuple):
    """The length of a training: all its updates, and those of an epoch."""

    updates: int
    epoch: int


def length_of(
    training: Training, text: TrainingText, streams: Mapping[str, Sequence[Example]]
) -> Length:
    """Return the length of a training.

    `training.epoch` says what an epoch passes over: all labelled or all parallel pairs, or the
    longest of the streams that the method draws from; or it is a number of updates.
    """
    if isinstance(training.epoch, int):
        epoch = training.epoch
    else:
        longest = max(map(len, streams.values()))
        sizes = {"longest": longest, "labelled": len(text.labelled), "pairs": len(text.parallel)}
        epoch = math.ceil(sizes[training.epoch] / batch_size(training, text))
    return Length(training.updates or epoch * (training.epochs or 0), epoch)


def batch_size(training: Training, text: TrainingText) -> int:
    """Return the batch size at the shots of the labelled pairs."""
    return training.batch_size_at(len(text.labelled) // len(LABELS))


def _epoch(
    method: Method,
    draws: Mapping[str, Iterator[Sequence[Example]]],
    optimizer: Adam,
    moments: Sequence[Moment],
) -> dict[str, float]:
    """Make an update at each moment; return the last learning rate and the mean of each loss.

    The mean of a part is over the updates that have it.
    """
    method.train()
    training = method.run.training
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    for moment in moments:
        drawn = {name: next(draw) for name, draw in draws.items()}
        learning_rate = training.learning_rate * rate(training, moment.update, moment.updates)
        losses = update(method, drawn, optimizer, learning_rate=learning_rate, moment=moment)
        counts.update(losses.keys())
        for name, value in losses.items():
            sums[name] = sums.get(name, 0) + value
    # Reading a loss waits for the device, so it is read once per epoch.
    means = {name: float(value) / counts[name] for name, value in sums.items()}
    return {"learning_rate": learning_rate, **means}


def update(
    method: Method,
    drawn: Mapping[str, Sequence[Example]],
    optimizer: Adam,
    *,
    learning_rate: float,
    moment: Moment,
) -> dict[str, Tensor]:
    """Make one update with a batch of each stream; return the losses before it by name.

    Nothing waits for a GPU.
    """
    method.zero_grad()
    means: dict[str, Tensor] = {}
    for share, part in parts_of(drawn, method.run.training.rows_at_once):
        with autocast(method):
            losses = method.losses(part, moment)
        if losses.parts or losses.total.requires_grad:  # not if all terms have weight zero
            (losses.total * share).backward()  # type: ignore[no-untyped-call]
        for name, value in {"loss": losses.total, **losses.parts}.items():
            means[name] = means.get(name, 0) + value.detach() * share
    nn.utils.clip_grad_norm_(method.parameters(), method.run.training.clip)
    optimizer.update(learning_rate)
    return means


def parts_of(
    drawn: Mapping[str, Sequence[Example]], rows_at_once: int | None
) -> Iterator[tuple[float, Mapping[str, Sequence[Example]]]]:
    """Yield what passes the model at once, with its share of the stream that it comes from.

    Each part has examples of similar length from one stream, at least one of them.
    """
    if rows_at_once is None:
        yield 1.0, drawn
        return
    for name, examples in drawn.items():
        by_length = sorted(examples, key=lambda item: max(len(row.ids) for row in item.rows))
        size = max(1, rows_at_once // len(examples[0].rows))
        for start in range(0, len(by_length), size):
            part = by_length[start : start + size]
            yield len(part) / len(examples), {name: part}


def cycle(items: Sequence[T], size: int, generator: torch.Generator) -> Iterator[list[T]]:
    """Yield batches of items forever, reshuffled for every pass; its last batch may be smaller."""
    while True:
        order = torch.randperm(len(items), generator=generator).tolist()
        for start in range(0, len(items), size):
            yield [items[index] for index in order[start : start + size]]


def make_optimizer(method: Method, training: Training) -> Adam:
    """Return Adam over the trainable parameters, each with the method's factor on the rate.

    Biases and LayerNorms are not decayed.
    """
    by_factor: dict[float, list[Tensor]] = {}
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            by_factor.setdefault(method.rate_of(name), []).append(parameter)
    groups = []
    for factor, trainable in by_factor.items():
        decayed = [parameter for parameter in trainable if parameter.ndim > 1]
        spared = [parameter for parameter in trainable if parameter.ndim <= 1]
        groups += [Group(decayed, training.weight_decay, factor), Group(spared, 0.0, factor)]
    return Adam(groups, decoupled=training.optimizer == "adamw")


def rate(training: Training, step: int, total: int) -> float:
    """Return the factor on the learning rate: warm-up, then constant or linear to the floor."""
    warmup = training.warmup * total
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if training.schedule == "constant":
        return 1.0
    left = max(0.0, (total - step) / max(1.0, total - warmup))
    return training.floor + (1 - training.floor) * left


@torch.no_grad()
def trained_state(
    method: nn.Module, earlier: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return a copy of the trainable weights, in the place of an earlier one if there is any."""
    trainable = ((name, p) for name, p in method.named_parameters() if p.requires_grad)
    if earlier:  # two copies would be as much memory again as the weights
        return {name: earlier[name].copy_(parameter) for name, parameter in trainable}
    return {name: parameter.detach().clone() for name, parameter in trainable}
