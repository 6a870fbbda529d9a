"""Rows of tokens with slots for soft prompts, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.backbone.layout import Layout, make_layout, moved
from pipeline.backbone.tokens import Ids


@dataclass(frozen=True, slots=True)
class Row:
    """One input as token ids.

    Attributes:
        ids: T token ids; slot j of a soft prompt (j = 0 ... m-1) is stored as -1 - j.
        read_at: the position whose hidden state is read: the mask, or the first token; or several
            positions, whose states follow one another in this order.
        prompt: the index of the method's soft prompt that fills the slots; in a row without slots,
            a number for the method's own use.
    """

    ids: Ids
    read_at: int | tuple[int, ...]
    prompt: int = 0

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions that are read."""
        return self.read_at if isinstance(self.read_at, tuple) else (self.read_at,)


@dataclass(frozen=True)
class Batch:
    """The N tokens of B rows, one row after another.

    Attributes:
        ids: token ids, padding in slots, [N].
        slots: j in slot j of a soft prompt, else -1, [N].
        prompt: the index of the soft prompt that fills the slots of the token's row, [N].
        read_at: the index of each token whose hidden state is read, row by row, [R].
        one_per_row: whether every row is read at one position, so that R is B.
    """

    ids: Tensor
    slots: Tensor
    prompt: Tensor
    read_at: Tensor
    one_per_row: bool
    layout: Layout


def collate(rows: Sequence[Row], *, pad: int, device: torch.device) -> Batch:
    """Put B rows of at least one token each into a batch on a device; `pad` fills slots."""
    lengths = torch.tensor([len(row.ids) for row in rows])
    ids = torch.frombuffer(bytearray().join(row.ids for row in rows), dtype=torch.int64)
    is_slot = ids < 0
    prompt = torch.tensor([row.prompt for row in rows])
    positions = [row.positions for row in rows]
    counts = torch.tensor([len(read) for read in positions])
    starts = (lengths.cumsum(0) - lengths).repeat_interleave(counts)
    read_at = starts + torch.tensor([at for read in positions for at in read], dtype=torch.long)
    ids, slots, prompt, read_at = moved(
        device,
        ids.masked_fill(is_slot, pad),
        torch.where(is_slot, -1 - ids, -1),
        prompt.repeat_interleave(lengths),
        read_at,
    )
    one_per_row = all(len(read) == 1 for read in positions)
    return Batch(ids, slots, prompt, read_at, one_per_row, make_layout(lengths, device))
