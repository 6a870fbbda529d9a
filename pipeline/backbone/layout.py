"""Where the tokens of a batch stand: packed without padding, and padded for attention."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MULTIPLE = 8
"""Rows are padded to a multiple of this many tokens, which attention's kernels like."""


@dataclass(frozen=True)
class Layout:
    """Where each of N tokens stands in B rows, which are padded on the right to T tokens.

    All but attention works on each token alone, so that padding would be work for nothing.

    Attributes:
        positions: each token's position in its row, [N].
        places: each token's place in the padded rows, laid end to end, [N].
        tokens: the token at each of these places; any token where padding is, [B * T].
        is_token: False where padding is, [B, T].
        padded: whether padding is anywhere.
    """

    positions: Tensor
    places: Tensor
    tokens: Tensor
    is_token: Tensor
    padded: bool

    def spread(self, values: Tensor) -> Tensor:
        """Return padded rows of what tokens hold, [N, d] -> [B, T, d].

        Any token's values stand where padding is: what is learned may not depend on them.
        """
        if self.padded:
            values = _spread(values, self.tokens, self.places)
        return values.view(*self.is_token.shape, -1)

    def gather(self, rows: Tensor) -> Tensor:
        """Return what tokens hold of padded rows, [B, T, d] -> [N, d]."""
        values = rows.flatten(0, 1)
        return _gather(values, self.places) if self.padded else values


def make_layout(lengths: Tensor, device: torch.device) -> Layout:
    """Return the layout of B rows.

    Args:
        lengths: tokens of each row, at least one, [B]; on the CPU.
        device: where the layout shall lie.
    """
    longest = int(lengths.max())
    padded = int(lengths.min()) < longest
    width = -(-longest // MULTIPLE) * MULTIPLE if padded else longest
    is_token = torch.arange(width) < lengths[:, None]
    places = is_token.flatten().nonzero()[:, 0]
    tokens = torch.zeros(is_token.numel(), dtype=torch.long)
    tokens[places] = torch.arange(len(places))
    positions, places, tokens = moved(device, places % width, places, tokens)
    (is_token,) = moved(device, is_token)
    return Layout(positions, places, tokens, is_token, padded)


def moved(device: torch.device, *tensors: Tensor) -> Sequence[Tensor]:
    """Return tensors of the CPU on a device, without waiting for what the device is doing.

    Args:
        device: where they shall lie.
        tensors: of one dtype, and of one shape but for the first dimension; they go as one copy.
    """
    together = torch.cat(tensors)
    if device.type != "cpu":
        # From memory that is not pinned, a copy would wait for the work before it.
        together = together.pin_memory().to(device, non_blocking=True)
    return together.split_with_sizes([len(one) for one in tensors])


# Each token stands at one place, so that both directions only copy. Autograd's own derivative of
# index_select would add, which is slower, and on a GPU slower still in a fixed order.


Context = Any
"""What autograd hands on from forward to backward; torch has no type of it."""


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, values: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return values.index_select(0, tokens)

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return grad.index_select(0, places), None, None


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, values: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.size = len(values)
        return values.index_select(0, places)

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        rows = grad.new_zeros(ctx.size, *grad.shape[1:])
        return rows.index_copy_(0, places, grad), None


_spread: Callable[..., Tensor] = _Spread.apply
_gather: Callable[..., Tensor] = _Gather.apply
