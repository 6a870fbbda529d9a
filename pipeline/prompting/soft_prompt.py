"""The soft prompt: trainable vectors in place of words (Eq. 1; Zhao & Schuetze 2021)."""

from torch import Tensor, nn

from pipeline.backbone.slots import full_precision


class SoftPrompt(nn.Module):
    """m vectors, passed through a bidirectional LSTM and a two-layer perceptron.

    Embedding (m, d) -> BiLSTM, d units per direction -> Linear 2d -> d, ReLU, Linear d -> d.
    """

    def __init__(self, length: int, hidden_size: int) -> None:
        super().__init__()
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
