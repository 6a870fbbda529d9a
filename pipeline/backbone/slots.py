"""Slots of soft prompts, filled with vectors in full precision."""

import torch
from torch import Tensor


def full_precision(device: torch.device) -> torch.autocast:
    """Return a context without autocast, for few numbers in which rounding would show."""
    return torch.autocast(device.type, enabled=False)


def fill_slots(words: Tensor, slots: Tensor, prompt: Tensor, *, prompts: Tensor) -> Tensor:
    """Replace the embeddings in slots by prompt vectors, [N, d] -> [N, d].

    Args:
        words: word embeddings, [N, d].
        slots: j in slot j, else -1, [N].
        prompt: the index of the prompt that fills a token's slot, [N].
        prompts: P soft prompts, [P, m, d].
    """
    # A gather as a product: its backward pass adds in a fixed order on every device.
    with full_precision(words.device):
        vectors = prompts.flatten(0, 1)
        index = prompt * prompts.shape[1] + slots
        one_hot = index[:, None] == torch.arange(len(vectors), device=words.device)
        filling = one_hot.to(vectors.dtype) @ vectors
    return torch.where((slots >= 0)[:, None], filling.to(words.dtype), words)
