"""The tokens of a batch, packed without padding or padded for attention."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MULTIPLE = 8
"""Rows are padded to a multiple of this many tokens, for faster attention kernels."""


@dataclass(frozen=True)
class Layout:
    """Where N packed tokens are in B rows, which only attention needs padded on the right to T.

    Attributes:
        positions: each token's position in its row, [N].
        to_padded: each token's index in the padded rows, laid end to end, [N].
        to_packed: the token at each index of the padded rows; any token for padding, [B * T].
        is_token: False for padding, [B, T].
    """

    positions: Tensor
    to_padded: Tensor
    to_packed: Tensor
    is_token: Tensor
    padded: bool

    def spread(self, values: Tensor) -> Tensor:
        """Return the tokens' values as padded rows, [N, d] -> [B, T, d].

        Padding holds the values of an arbitrary token, so nothing may be learned from it.
        """
        if self.padded:
            values = _spread(values, self.to_packed, self.to_padded)
        return values.view(*self.is_token.shape, -1)

    def gather(self, rows: Tensor) -> Tensor:
        """Return the tokens' values from padded rows, [B, T, d] -> [N, d]."""
        values = rows.flatten(0, 1)
        return _gather(values, self.to_padded) if self.padded else values


def make_layout(lengths: Tensor, device: torch.device) -> Layout:
    """Return the layout of B rows of `lengths` tokens, at least one each, [B], on a device."""
    longest = int(lengths.max())
    padded = int(lengths.min()) < longest
    width = -(-longest // MULTIPLE) * MULTIPLE if padded else longest
    is_token = torch.arange(width) < lengths[:, None]
    to_padded = is_token.flatten().nonzero()[:, 0]
    to_packed = torch.zeros(is_token.numel(), dtype=torch.long)
    to_packed[to_padded] = torch.arange(len(to_padded))
    positions, to_padded, to_packed = moved(device, to_padded % width, to_padded, to_packed)
    (is_token,) = moved(device, is_token)
    return Layout(positions, to_padded, to_packed, is_token, padded)


def moved(device: torch.device, *tensors: Tensor) -> Sequence[Tensor]:
    """Copy CPU tensors of one dtype to a device, as one, without waiting for its other work."""
    together = torch.cat(tensors)
    if device.type != "cpu":
        # A copy from memory that is not pinned would wait.
        together = together.pin_memory().to(device, non_blocking=True)
    return together.split_with_sizes([len(tensor) for tensor in tensors])


Context = Any
"""Autograd's context object, which torch does not type."""

# Every token has one index in the padded rows, so both directions only copy. The derivative of
# index_select would add, which is slower, most of all on a GPU in a fixed order.


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, values: Tensor, to_packed: Tensor, to_padded: Tensor) -> Tensor:
        ctx.save_for_backward(to_padded)
        return values.index_select(0, to_packed)

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor, None, None]:
        (to_padded,) = ctx.saved_tensors
        return grad.index_select(0, to_padded), None, None


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context, values: Tensor, to_padded: Tensor) -> Tensor:
        ctx.save_for_backward(to_padded)
        ctx.size = len(values)
        return values.index_select(0, to_padded)

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor, None]:
        (to_padded,) = ctx.saved_tensors
        rows = grad.new_zeros(ctx.size, *grad.shape[1:])
        return rows.index_copy_(0, to_padded, grad), None


_spread: Callable[..., Tensor] = _Spread.apply
_gather: Callable[..., Tensor] = _Gather.apply
