"""Rows of tokens with slots for soft prompts, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MULTIPLE = 8
"""Batches are padded to a multiple of this many tokens, which tensor cores like."""


@dataclass(frozen=True, slots=True)
class Row:
    """One input as token ids.

    Attributes:
        ids: T token ids; slot j of a soft prompt (j = 0 ... m-1) stands as -1 - j.
        read_at: the position whose hidden state is read: the mask, or the first token.
        prompt: which of the method's soft prompts fills the slots.
    """

    ids: tuple[int, ...]
    read_at: int
    prompt: int = 0


@dataclass(frozen=True)
class Batch:
    """B rows, padded on the right to T tokens.

    Attributes:
        ids: token ids, padding where a slot is, [B, T].
        slots: j where slot j of a soft prompt stands, else -1, [B, T].
        attention: 1 for tokens, 0 for padding, [B, T].
        read_at: the position whose hidden state is read, [B].
        prompt: which soft prompt fills the slots, [B].
    """

    ids: Tensor
    slots: Tensor
    attention: Tensor
    read_at: Tensor
    prompt: Tensor


def collate(rows: Sequence[Row], *, pad: int, device: torch.device) -> Batch:
    """Pad rows to a batch.

    Padding stands on the right: under `inputs_embeds` the backbone counts positions from the
    left without regard to padding, so that on the left it would shift every position.
    """
    longest = max(len(row.ids) for row in rows)
    width = -(-longest // MULTIPLE) * MULTIPLE
    padded = torch.tensor([row.ids + (pad,) * (width - len(row.ids)) for row in rows])
    lengths = torch.tensor([len(row.ids) for row in rows])
    is_slot = padded < 0
    batch = Batch(
        ids=padded.masked_fill(is_slot, pad),
        slots=torch.where(is_slot, -1 - padded, -1),
        attention=(torch.arange(width) < lengths[:, None]).long(),
        read_at=torch.tensor([row.read_at for row in rows]),
        prompt=torch.tensor([row.prompt for row in rows]),
    )
    if device.type == "cpu":
        return batch
    return Batch(
        **{name: value.to(device, non_blocking=True) for name, value in vars(batch).items()}
    )
