"""Attention and dropout, on a CPU without torch's kernels where these are slow."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def attend(
    query: Tensor, key: Tensor, value: Tensor, *, is_token: Tensor | None, dropout: float
) -> Tensor:
    """Return scaled dot-product attention, [B, H, Q, h].

    On a CPU, torch's kernel takes several times as long as plain products in bfloat16 or with
    dropout (docs/performance.md).

    Args:
        query: [B, H, Q, h].
        key: [B, H, T, h].
        value: [B, H, T, h].
        is_token: False for padding, [B, T]; None without padding.
        dropout: the share of attention weights that are dropped.
    """
    mask = None if is_token is None else is_token[:, None, None, :]
    is_slow = query.dtype == torch.bfloat16 or dropout > 0
    if query.device.type == "cpu" and is_slow:
        return by_products(query, key, value, mask=mask, dropout=dropout)
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, dropout_p=dropout
    )


def by_products(
    query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None, dropout: float
) -> Tensor:
    """Return the same as `attend`, by two matrix products; `mask` is [B, 1, 1, T]."""
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
    if mask is not None:
        scores = scores + scores.new_zeros(mask.shape).masked_fill(~mask, -math.inf)
    return drop(scores.softmax(-1), dropout) @ value


def drop(values: Tensor, share: float) -> Tensor:
    """Return values of which a share is set to zero, and the others are scaled up."""
    if not share or values.device.type != "cpu":
        return functional.dropout(values, share)
    # Four draws of 16 bits at once: torch's own take seven times as long.
    threshold = min(round(share * 2**16), 2**16 - 1)
    draws = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = draws.view(torch.int16)[: values.numel()] >= threshold - 2**15
    return values * kept.view(values.shape).to(values.dtype).div_(1 - share)


class Dropout(nn.Module):
    """nn.Dropout, by `drop`."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, some of them dropped in training."""
        return drop(values, self.share) if self.training else values
