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
        read_at: the position whose hidden state is read: the mask, or the first token.
        prompt: the index of the method's soft prompt that fills the slots.
    """

    ids: Ids
    read_at: int
    prompt: int = 0


@dataclass(frozen=True)
class Batch:
    """The N tokens of B rows, one row after another.

    Attributes:
        ids: token ids, padding in slots, [N].
        slots: j in slot j of a soft prompt, else -1, [N].
        prompt: the index of the soft prompt that fills the slots of the token's row, [N].
        read_at: the index of the one token per row whose hidden state is read, [B].
    """

    ids: Tensor
    slots: Tensor
    prompt: Tensor
    read_at: Tensor
    layout: Layout


def collate(rows: Sequence[Row], *, pad: int, device: torch.device) -> Batch:
    """Put B rows of at least one token each into a batch on a device; `pad` fills slots."""
    lengths = torch.tensor([len(row.ids) for row in rows])
    ids = torch.frombuffer(bytearray().join(row.ids for row in rows), dtype=torch.int64)
    is_slot = ids < 0
    prompt = torch.tensor([row.prompt for row in rows])
    read_at = torch.tensor([row.read_at for row in rows])
    ids, slots, prompt, read_at = moved(
        device,
        ids.masked_fill(is_slot, pad),
        torch.where(is_slot, -1 - ids, -1),
        prompt.repeat_interleave(lengths),
        lengths.cumsum(0) - lengths + read_at,
    )
    return Batch(ids, slots, prompt, read_at, make_layout(lengths, device))
