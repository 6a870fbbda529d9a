"""Slots of soft prompts, filled with vectors in full precision."""

import torch
from torch import Tensor


def full_precision(device: torch.device) -> torch.autocast:
    """Return a context without autocast: prompts are few numbers, and rounding shows in each."""
    return torch.autocast(device.type, enabled=False)


def fill_slots(words: Tensor, slots: Tensor, prompt: Tensor, *, prompts: Tensor) -> Tensor:
    """Put prompt vectors where slots are.

    Args:
        words: word embeddings, [N, d].
        slots: j where slot j stands, else -1, [N].
        prompt: which prompt fills a token's slot, [N].
        prompts: P soft prompts, [P, m, d].

    Returns:
        Input embeddings, [N, d].
    """
    # A gather as a product: its backward pass adds in a fixed order on every device.
    with full_precision(words.device):
        vectors = prompts.flatten(0, 1)
        wanted = prompt * prompts.shape[1] + slots
        places = wanted[:, None] == torch.arange(len(vectors), device=words.device)
        filling = places.to(vectors.dtype) @ vectors
    return torch.where((slots >= 0)[:, None], filling.to(words.dtype), words)
