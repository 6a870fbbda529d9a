"""Rows of tokens with slots for soft prompts, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.backbone.ids import Ids
from pipeline.backbone.layout import Layout, make_layout, moved


@dataclass(frozen=True, slots=True)
class Row:
    """One input as token ids.

    Attributes:
        ids: T token ids; slot j of a soft prompt (j = 0 ... m-1) stands as -1 - j.
        read_at: the position whose hidden state is read: the mask, or the first token.
        prompt: which of the method's soft prompts fills the slots.
    """

    ids: Ids
    read_at: int
    prompt: int = 0


@dataclass(frozen=True)
class Batch:
    """The N tokens of B rows, one row after another.

    Attributes:
        ids: token ids, padding where a slot is, [N].
        slots: j where slot j of a soft prompt stands, else -1, [N].
        prompt: which soft prompt fills the slots of the token's row, [N].
        read_at: the tokens whose hidden states are read, one of each row, [B].
        layout: which token stands where in which row.
    """

    ids: Tensor
    slots: Tensor
    prompt: Tensor
    read_at: Tensor
    layout: Layout


def collate(rows: Sequence[Row], *, pad: int, device: torch.device) -> Batch:
    """Put rows into a batch.

    Args:
        rows: B of them, each of a token at least.
        pad: the id that stands where a slot is.
        device: where the batch shall lie.
    """
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
