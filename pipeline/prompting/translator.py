"""The prompt translator: source prompt p^S -> target prompt p^T (Eq. 4, and Figure 4's others).

The paper names the others "Linear, LSTM and Transformer, one layer and two", and no more. What it
leaves open follows Eq. 4, so that they differ only in architecture: inner width 2d, no dropout, no
positions (p^S comes from an LSTM over its vectors, which encodes their order).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from pipeline.prompting.soft_prompt import SoftPrompt

Translator = Literal[
    "linear-1", "linear-2", "lstm-1", "lstm-2", "transformer-1", "transformer-2", "none"
]
"""The values of the parameter `translator`."""


def linear_2(hidden_size: int) -> nn.Module:
    """Return the translator of Eq. 4, d -> 2d, ReLU, 2d -> d, applied to each prompt vector."""
    return nn.Sequential(
        nn.Linear(hidden_size, 2 * hidden_size), nn.ReLU(), nn.Linear(2 * hidden_size, hidden_size)
    )


class LstmTranslator(nn.Module):
    """A bidirectional LSTM over the m prompt vectors, and a projection 2d -> d.

    With one direction, the translation of the first vector would ignore the others.
    """

    def __init__(self, hidden_size: int, *, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            hidden_size, hidden_size, num_layers=layers, batch_first=True, bidirectional=True
        )
        self.down = nn.Linear(2 * hidden_size, hidden_size)

    def forward(self, source: Tensor) -> Tensor:
        """Return p^T for p^S, [m, d] -> [m, d]."""
        states: Tensor = self.lstm(source[None])[0]
        target: Tensor = self.down(states[0])
        return target


class TransformerTranslator(nn.Module):
    """Encoder layers over the m prompt vectors (Vaswani et al. 2017).

    Each layer: self-attention in heads of 64 units (as in XLM-R; one head if d is not a multiple),
    then d -> 2d, ReLU, 2d -> d; each is added to its input, and the sum normalised (LayerNorm).
    """

    def __init__(self, hidden_size: int, *, layers: int) -> None:
        super().__init__()
        heads = hidden_size // 64 if hidden_size % 64 == 0 else 1
        layer = partial(
            nn.TransformerEncoderLayer, hidden_size, heads, 2 * hidden_size, dropout=0.0
        )
        # Not nn.TransformerEncoder, which would start with equal layers.
        self.layers = nn.Sequential(*(layer() for _ in range(layers)))

    def forward(self, source: Tensor) -> Tensor:
        """Return p^T for p^S, [m, d] -> [m, d]."""
        # The only attention kernel that adds in a fixed order and full precision everywhere.
        with sdpa_kernel(SDPBackend.MATH):
            target: Tensor = self.layers(source)
        return target


class SecondPrompt(nn.Module):
    """No translator (Table II): p^T is a soft prompt with vectors and an encoder of its own."""

    def __init__(self, length: int, hidden_size: int) -> None:
        super().__init__()
        self.prompt = SoftPrompt(length, hidden_size)

    def forward(self, source: Tensor) -> Tensor:
        """Return p^T, whatever p^S is, [m, d]."""
        del source
        target: Tensor = self.prompt()
        return target


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {
    "linear-1": lambda hidden_size: nn.Linear(hidden_size, hidden_size),
    "linear-2": linear_2,
    "lstm-1": partial(LstmTranslator, layers=1),
    "lstm-2": partial(LstmTranslator, layers=2),
    "transformer-1": partial(TransformerTranslator, layers=1),
    "transformer-2": partial(TransformerTranslator, layers=2),
}
"""By the parameter `translator`: d -> a module [m, d] -> [m, d]."""


def make_translator(name: Translator, *, length: int, hidden_size: int) -> nn.Module:
    """Return the module that maps p^S to p^T, [m, d] -> [m, d], for m = length."""
    if name == "none":
        return SecondPrompt(length, hidden_size)
    return ARCHITECTURES[name](hidden_size)
