"""What an update costs at the least on a device: its arithmetic and the optimizer's traffic."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch

from bench.contenders import Drawn
from bench.measuring import wait
from pipeline.backbone.encoder import Settings
from pipeline.backbone.rows import Row

OPTIMIZER_BYTES = 36
"""A parameter and an update: AdamW reads weight, gradient and two moments and writes all but the
gradient (28, in float32); before that the gradient is written once and read once for its norm."""


@dataclass(frozen=True)
class Roofline:
    """The floor under the time of an update.

    Attributes:
        tokens: of an update on average, without padding.
        teraflops: arithmetic of an update; forward 1, backward 2.
        optimizer_gib: what is read and written for the optimizer.
        teraflops_a_second: of matrix products of the encoder's shapes, measured.
        gib_a_second: of a copy, reading and writing counted, measured.
        milliseconds: arithmetic at that rate, then the optimizer at that bandwidth.
    """

    tokens: float
    teraflops: float
    optimizer_gib: float
    teraflops_a_second: float
    gib_a_second: float
    milliseconds: float


def roofline(
    shape: Settings, parameters: int, batches: Sequence[Drawn], *, half: bool, device: torch.device
) -> Roofline:
    """Measure the device and compute the floor.

    Args:
        shape: of the language model.
        parameters: trainable ones.
        batches: of the updates.
        half: whether products are in bfloat16.
        device: where.
    """
    updates = [[len(row.ids) for row in rows_of(drawn)] for drawn in batches]
    tokens = sum(map(sum, updates)) / len(updates)
    arithmetic = sum(flops(shape, lengths) for lengths in updates) / len(updates)
    rate = _product_rate(shape, round(tokens), half=half, device=device)
    bandwidth = _bandwidth(device)
    traffic = OPTIMIZER_BYTES * parameters
    return Roofline(
        tokens=tokens,
        teraflops=arithmetic / 1e12,
        optimizer_gib=traffic / 2**30,
        teraflops_a_second=rate / 1e12,
        gib_a_second=bandwidth / 2**30,
        milliseconds=1000 * (arithmetic / rate + traffic / bandwidth),
    )


def rows_of(drawn: Drawn) -> list[Row]:
    """Return all rows of an update."""
    return [row for one in chain(*drawn.values()) for row in one.rows]


def flops(shape: Settings, lengths: Sequence[int]) -> float:
    """Return the operations of an update: forward, and twice that backward.

    In the last layer keys and values are needed of all tokens, the rest of one a row.

    Args:
        shape: of the language model.
        lengths: tokens of each row.
    """
    d, inner, rows, tokens = shape.hidden_size, shape.intermediate_size, len(lengths), sum(lengths)
    whole, key_and_value = 4 * d * d + 2 * d * inner, 2 * d * d
    layers = shape.num_hidden_layers - 1
    products = layers * whole * tokens + key_and_value * tokens + (whole - key_and_value) * rows
    attention = 2 * d * (layers * sum(one * one for one in lengths) + tokens)
    head = rows * (d * d + d * shape.vocab_size)
    return 6.0 * (products + attention + head)


def _product_rate(shape: Settings, tokens: int, *, half: bool, device: torch.device) -> float:
    """Return operations a second of a layer's products over an update's tokens."""
    d, inner = shape.hidden_size, shape.intermediate_size
    kind = torch.bfloat16 if half else torch.float32
    done, seconds = 0.0, 0.0
    for rows, columns, times in ((d, d, 4), (d, inner, 1), (inner, d, 1)):
        left = torch.randn(tokens, rows, dtype=kind, device=device)
        right = torch.randn(rows, columns, dtype=kind, device=device)
        taken = _seconds(lambda left=left, right=right: left @ right, device)
        done += times * 2.0 * tokens * rows * columns
        seconds += times * taken
    return done / seconds


def _bandwidth(device: torch.device) -> float:
    """Return bytes a second of a copy, those read and those written."""
    size = 2**30 if device.type == "cuda" else 2**27
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    return 2.0 * size / _seconds(lambda: target.copy_(source), device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return the least time that a piece of work takes, of five tries of four each."""
    work()
    tries = []
    for _ in range(5):
        wait(device)
        began = time.perf_counter()
        for _ in range(4):
            work()
        wait(device)
        tries.append((time.perf_counter() - began) / 4)
    return min(tries)
