"""The soft prompt: trainable vectors in place of words (Eq. 1; Zhao & Schuetze 2021)."""

import torch
from torch import Tensor, nn


class SoftPrompt(nn.Module):
    """m vectors, passed through a bidirectional LSTM and a two-layer perceptron.

    Embedding (m, d) -> BiLSTM, d units a direction -> Linear 2d -> d, ReLU, Linear d -> d.
    """

    def __init__(self, length: int, hidden_size: int) -> None:
        super().__init__()
        self.length = length
        self.embedding = nn.Embedding(length, hidden_size)
        self.lstm = nn.LSTM(hidden_size, hidden_size, batch_first=True, bidirectional=True)
        self.mlp = nn.Sequential(
            nn.Linear(2 * hidden_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, hidden_size)
        )

    def forward(self) -> Tensor:
        """Return the prompt, [m, d]."""
        with full_precision(self.embedding.weight.device):
            states: Tensor = self.lstm(self.embedding.weight[None])[0]
            prompt: Tensor = self.mlp(states[0])
        return prompt


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
