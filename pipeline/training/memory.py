"""What memory a cell will take at its peak, found by one update without numbers."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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

if TYPE_CHECKING:
    from pipeline.training.fake import Meter

MIB = 2**20
"""Bytes."""

# Of a CPU, measured (docs/backbones.md): its heap keeps freed memory, in pieces that the states of
# the next rows, of other lengths, do not fill.
PROCESS = 540 * MIB
"""What a process takes besides: Python, libraries, kernels and text."""
GAPS = 0.45
"""Memory that is lost to such pieces, as a share of the states."""
AGAIN = 2
"""How often the largest tensor of an update, a gradient of word embeddings, fits none of them."""

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
) -> Memory | None:
    """Return what a method will take on a device, where it need not be yet.

    None if that is unknown, since an operation of the method or its backbone needs numbers.

    It is trained on `text` with draws from a generator in this state, and predicts in so many
    threads. The method, the generator and torch's own random numbers stay as they are.
    """
    from pipeline.training.fake import faked

    draws = torch.Generator().set_state(generator.get_state())
    part, rows = largest_part(method, text, draws), _longest_rows(method, text)
    try:
        with faked(method, device) as meter:
            for one in (*method.parameters(), *method.buffers()):
                meter.note(one)
            parts = {"weights": meter.held}
            updating, largest = (0, 0) if part is None else _update(method, part, meter, parts)
            predicting = _predict(method, rows, meter)
    except RuntimeError:  # torch's only class for that
        return None
    if device.type == "cpu":
        predicting *= threads
    name = "states of an update" if updating > predicting else "states of predictions"
    parts[name] = states = max(updating, predicting)
    if device.type == "cpu":
        if method.backbone.is_rounded:
            parts["weights before rounding"] = 2 * _rounded(method)
        parts["gaps in the heap"] = round(states * GAPS) + largest * AGAIN
        parts["the process"] = PROCESS
    return Memory(sum(one.numel() for one in method.parameters()), parts)


def _update(method: Method, part: Part, meter: "Meter", parts: dict[str, int]) -> tuple[int, int]:
    """Add to `parts` what stays between updates; return the bytes of the states of one.

    And those of its largest tensor.
    """

    def took(name: str) -> None:
        parts[name] = meter.held - sum(parts.values())

    for one in method.parameters():
        if one.requires_grad:
            one.grad = torch.zeros_like(one)
    took("gradients")
    optimizer = make_optimizer(method, method.run.training)
    optimizer.update(0.0)
    took("Adam's moments")
    best = trained_state(method) if method.run.training.selection == "best_dev" else {}
    took("weights of the best epoch")
    meter.peak, meter.largest = meter.held, 0
    compute(method, part)
    del best
    return max(0, meter.peak - sum(parts.values())), meter.largest


def compute(method: Method, part: Part) -> None:
    """Compute losses and gradients as an update does."""
    method.train()
    if part.is_whole:
        method.zero_grad()
    with autocast(method):
        losses = method.losses(part.drawn, part.moment)
    if losses.parts or losses.total.requires_grad:
        losses.total.backward()  # type: ignore[no-untyped-call]


def _predict(method: Method, rows: Sequence[Row], meter: "Meter") -> int:
    """Return the bytes of the states of a batch of predictions."""
    before = meter.peak = meter.held
    with torch.no_grad(), autocast(method):
        method.eval().label_logits(method.collate(rows))
    return meter.peak - before


def _rounded(method: Method) -> int:
    weights = method.backbone.layers.parameters()
    return sum(one.nbytes for one in weights if one.dtype == torch.bfloat16)


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
