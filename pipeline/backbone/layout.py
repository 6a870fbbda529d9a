"""The tokens of a batch, packed without padding or padded for attention."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

MULTIPLE = 8
"""Rows are padded to a multiple of this many tokens, for faster attention kernels."""

SHORTEST = 0.8
"""On a CPU, a row of less than this share of a block's longest row begins the next block.

For a GPU, padding costs less than several small blocks.
"""


@dataclass(frozen=True)
class Layout:
    """Where N packed tokens are in blocks of padded rows, which only attention needs.

    A block has rows of similar length, padded on the right to the same number of tokens; longer
    rows are in earlier blocks. The padded rows of all blocks, laid end to end, have P tokens.

    Attributes:
        positions: each token's position in its row, [N].
        to_padded: each token's index in the padded rows, [N].
        to_packed: the token at each index of the padded rows; any token for padding, [P].
        is_token: False for padding, [P].
        order: the row at each place in the blocks, [B].
        places: each row's place in the blocks, [B].
        blocks: rows and tokens per row of each block.
        padded: whether there is padding.
    """

    positions: Tensor
    to_padded: Tensor
    to_packed: Tensor
    is_token: Tensor
    order: Tensor
    places: Tensor
    blocks: Sequence[tuple[int, int]]
    padded: bool

    def spread(self, values: Tensor) -> Sequence[Tensor]:
        """Return the tokens' values as padded rows by block, [N, d] -> [B', T', d] each.

        Padding holds the values of an arbitrary token, so nothing may be learned from it.
        """
        return self._split(_spread(values, self.to_packed, self.to_padded))

    def gather(self, blocks: Sequence[Tensor]) -> Tensor:
        """Return the tokens' values from padded rows by block, [B', T', d] each -> [N, d]."""
        return _gather(torch.cat([rows.flatten(0, 1) for rows in blocks]), self.to_padded)

    def masks(self) -> Sequence[Tensor]:
        """Return False for padding by block, [B', T'] each."""
        return [mask[..., 0] for mask in self._split(self.is_token[:, None])]

    def by_block(self, values: Tensor) -> Sequence[Tensor]:
        """Return one value per row as rows by block, [B, d] -> [B', 1, d] each."""
        ordered = _spread(values, self.order, self.places)
        return [part[:, None] for part in ordered.split_with_sizes([n for n, _ in self.blocks])]

    def by_row(self, blocks: Sequence[Tensor]) -> Tensor:
        """Return one value per row from rows by block, [B', 1, d] each -> [B, d]."""
        return _spread(torch.cat([rows[:, 0] for rows in blocks]), self.places, self.order)

    def _split(self, values: Tensor) -> Sequence[Tensor]:
        parts = values.split_with_sizes([rows * width for rows, width in self.blocks])
        return [
            part.view(rows, width, -1)
            for part, (rows, width) in zip(parts, self.blocks, strict=True)
        ]


def make_layout(lengths: Tensor, device: torch.device) -> Layout:
    """Return the layout of B rows of `lengths` tokens, at least one each, [B], on a device."""
    order = lengths.argsort(descending=True, stable=True)
    places, longest_first = order.argsort(), lengths[order]
    shortest = SHORTEST if device.type == "cpu" else 0.0
    blocks = _blocks(longest_first.tolist(), shortest=shortest)
    widths = torch.cat([torch.full((rows,), width) for rows, width in blocks])
    starts = widths.cumsum(0) - widths
    padded = int(widths.sum()) > int(lengths.sum())
    positions = torch.arange(int(lengths.sum()))
    positions -= (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
    to_padded = starts[places].repeat_interleave(lengths) + positions
    to_packed = torch.zeros(int(widths.sum()), dtype=torch.long)
    to_packed[to_padded] = torch.arange(len(to_padded))
    is_token = torch.zeros(len(to_packed), dtype=torch.bool)
    is_token[to_padded] = True
    positions, to_padded, to_packed, order, places = moved(
        device, positions, to_padded, to_packed, order, places
    )
    (is_token,) = moved(device, is_token)
    return Layout(positions, to_padded, to_packed, is_token, order, places, blocks, padded)


def _blocks(lengths: Sequence[int], *, shortest: float) -> Sequence[tuple[int, int]]:
    """Return rows and tokens per row of each block, given the lengths, longest first."""
    starts = [0]
    for row, length in enumerate(lengths):
        if length < shortest * lengths[starts[-1]]:
            starts.append(row)
    blocks = []
    for start, end in pairwise([*starts, len(lengths)]):
        longest = lengths[start]
        is_padded = lengths[end - 1] < longest
        blocks.append((end - start, -(-longest // MULTIPLE) * MULTIPLE if is_padded else longest))
    return blocks


def moved(device: torch.device, *tensors: Tensor) -> Sequence[Tensor]:
    """Copy CPU tensors of one dtype to a device, as one, without waiting for its other work."""
    together = torch.cat(tensors)
    if device.type != "cpu":
        # A copy from memory that is not pinned would wait.
        together = together.pin_memory().to(device, non_blocking=True)
    return together.split_with_sizes([len(tensor) for tensor in tensors])


Context = Any
"""Autograd's context object, which torch does not type."""

# Every token has one index in the padded rows, and every row one place, so both directions only
# copy. The derivative of index_select would add, which is slower, most of all on a GPU in a fixed
# order.


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
