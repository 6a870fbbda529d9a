"""What memory a cell will take at its peak, found by one update without numbers."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from pipeline.backbone.rows import Row
from pipeline.errors import InputError
from pipeline.training.loop import (
    batch_size,
    cycle,
    length_of,
    make_optimizer,
    parts_of,
    trained_state,
)
from pipeline.training.method import Example, Method, Moment
from pipeline.training.prediction import TOKENS_PER_BATCH, autocast
from pipeline.training.text import TrainingText

MIB = 2**20
"""Bytes."""

PROCESS = 570 * MIB
"""Of a cell's process on a CPU besides: Python, libraries, kernels and text."""

SCATTERED = 1.5
"""On a CPU, memory of states over their bytes.

Freed memory is kept, in pieces that the states of the next rows, of other lengths, do not fill.
"""


ROOM = 40
"""A cell whose weights fit so many times into the memory of its device need not be looked at."""

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What Linux allows a container."""


class Memory(NamedTuple):
    """What a cell takes at its peak.

    Attributes:
        parameters: the number of its weights.
        parts: bytes by what they are for; they add up to the peak.
    """

    parameters: int
    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        """The peak, in bytes."""
        return sum(self.parts.values())

    @property
    def largest(self) -> str:
        """The name of the largest part."""
        return max(self.parts, key=lambda name: self.parts[name])

    def __str__(self) -> str:
        """Return parameters, peak and largest part in words."""
        return (
            f"{self.parameters / 1e6:,.1f} M parameters, {_mib(self.total)} MiB at the peak, "
            f"{_mib(self.parts[self.largest])} of them for {self.largest}"
        )


def capacity(device: torch.device) -> int:
    """Return the memory of a device, in bytes; on a CPU that of the machine or container."""
    if device.type != "cpu":
        return int(torch.cuda.get_device_properties(device).total_memory)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = LIMIT.read_text().strip() if LIMIT.is_file() else ""
    return min(physical, int(limit)) if limit.isdigit() else physical


def require_room(memory: Memory, *, run: str, device: torch.device) -> None:
    """Raise an InputError that names the largest part of a cell if it cannot fit a device."""
    room = capacity(device)
    if memory.total > room:
        raise InputError(
            f"params.yaml: methods.{run}: expected a cell that fits the {_mib(room)} MiB of "
            f"{'the memory' if device.type == 'cpu' else 'the GPU'} here, found one of {memory}"
        )


def is_large(weights: int, device: torch.device) -> bool:
    """Return whether a cell with weights of so many bytes may not fit a device."""
    return weights * ROOM > capacity(device)


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f}"


class Part(NamedTuple):
    """The rows of an update that pass the model at once, where they are most.

    Attributes:
        drawn: the examples by stream.
        moment: that of the update.
        is_whole: whether the update has no other part, whose gradients wait meanwhile.
    """

    drawn: Mapping[str, Sequence[Example]]
    moment: Moment
    is_whole: bool

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        examples = (one for part in self.drawn.values() for one in part)
        return sum(len(row.ids) for one in examples for row in one.rows)


def footprint(
    method: Method,
    text: TrainingText,
    *,
    generator: torch.Generator,
    device: torch.device,
    threads: int = 1,
) -> Memory:
    """Return what a method will take on a device, where it need not be yet.

    It is trained on `text` with draws from a generator in this state, and predicts in so many
    threads. The method, the generator and torch's own random numbers stay as they are.
    """
    from pipeline.training.fake import faked

    draws = torch.Generator().set_state(generator.get_state())
    part, rows = largest_part(method, text, draws), _longest_rows(method, text)
    parts: dict[str, int] = {}
    with faked(method, device) as meter:

        def took(name: str) -> int:
            parts[name] = meter.held - sum(parts.values())
            meter.peak = meter.held
            return parts[name]

        for one in (*method.parameters(), *method.buffers()):
            meter.note(one)
        took("weights")
        passing = {}
        if part is not None:
            optimizer, best = make_optimizer(method, method.run.training), None
            _give_gradients(method)
            took("gradients")
            optimizer.update(0.0)
            took("Adam's moments")
            if method.run.training.selection == "best_dev":
                best = trained_state(method)
                took("weights of the best epoch")
            _pass(method, part)
            passing["states of an update"] = meter.peak - sum(parts.values())
            del optimizer, best
        before = meter.peak = meter.held
        _predict(method, rows)
        at_once = threads if device.type == "cpu" else 1
        passing["states of predictions"] = (meter.peak - before) * at_once
    if device.type == "cpu":
        passing = {name: round(size * SCATTERED) for name, size in passing.items()}
        parts["the process"] = PROCESS
    last = max(passing, key=lambda name: passing[name])  # they follow one another
    parts[last] = max(passing[last], 0)
    return Memory(sum(one.numel() for one in method.parameters()), parts)


def largest_part(method: Method, text: TrainingText, generator: torch.Generator) -> Part | None:
    """Return the rows with the most tokens that training will draw; None if it draws none."""
    training = method.run.training
    streams = method.streams(text, generator)
    size, length = batch_size(training, text), length_of(training, text, streams)
    draws = {name: cycle(stream, size, generator) for name, stream in streams.items()}
    largest: Part | None = None
    for step in range(length.updates):
        drawn = {name: next(draw) for name, draw in draws.items()}
        moment = Moment(step, length.updates, 1 + step // length.epoch)
        parts = [one for _, one in parts_of(drawn, training.rows_at_once)]
        for one in parts:
            part = Part(one, moment, is_whole=len(parts) == 1)
            if largest is None or part.tokens > largest.tokens:
                largest = part
    return largest


def _longest_rows(method: Method, text: TrainingText) -> Sequence[Row]:
    """Return as many rows as a batch of predictions has of the longest labelled pair."""
    premises, hypotheses, _ = zip(*text.labelled, strict=True)
    rows = method.rows(premises, hypotheses, language=method.languages.source)
    longest = max(rows, key=lambda row: len(row.ids))
    return [longest] * max(1, TOKENS_PER_BATCH["cpu"] // len(longest.ids))


def _give_gradients(method: Method) -> None:
    for one in method.parameters():
        if one.requires_grad:
            one.grad = torch.zeros_like(one)


def _pass(method: Method, part: Part) -> None:
    """Compute losses and gradients as an update does."""
    method.train()
    if part.is_whole:
        method.zero_grad()
    with autocast(method):
        losses = method.losses(part.drawn, part.moment)
    if losses.parts or losses.total.requires_grad:
        losses.total.backward()  # type: ignore[no-untyped-call]


@torch.no_grad()
def _predict(method: Method, rows: Sequence[Row]) -> None:
    method.eval()
    with autocast(method):
        method.label_logits(method.collate(rows))
