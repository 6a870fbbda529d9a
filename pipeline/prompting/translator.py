"""The prompt translator: source prompt p^S -> target prompt p^T (Eq. 4; Figure 4's others).

Of the others the paper says no more than "Linear, LSTM and Transformer, one layer and two". What
is chosen here keeps them near Eq. 4, so that the architecture alone differs: inner width 2d, no
dropout, no positions (p^S comes out of an LSTM over its vectors, so each has its place in it).
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

HEAD_SIZE = 64
"""Units of an attention head, as in XLM-R; a backbone whose d is no multiple gets one head."""


def linear_1(hidden_size: int) -> nn.Module:
    """Return d -> d, applied to each prompt vector."""
    return nn.Linear(hidden_size, hidden_size)


def linear_2(hidden_size: int) -> nn.Module:
    """Return the translator of Eq. 4, d -> 2d, ReLU, 2d -> d, applied to each prompt vector."""
    return nn.Sequential(
        nn.Linear(hidden_size, 2 * hidden_size), nn.ReLU(), nn.Linear(2 * hidden_size, hidden_size)
    )


class LstmTranslator(nn.Module):
    """An LSTM over the m prompt vectors, in both directions, and a projection 2d -> d.

    Both directions, as in the prompt's own encoder: the vectors are not read one after another,
    and with one direction the first would be translated without the others.
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

    Each layer: self-attention in heads of 64 units, then d -> 2d, ReLU, 2d -> d; what goes in is
    added to what comes out of either, and the sum normalised (LayerNorm).
    """

    def __init__(self, hidden_size: int, *, layers: int) -> None:
        super().__init__()
        heads = hidden_size // HEAD_SIZE if hidden_size % HEAD_SIZE == 0 else 1
        # Not nn.TransformerEncoder, whose layers start as copies of one.
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    hidden_size, heads, dim_feedforward=2 * hidden_size, dropout=0.0
                )
                for _ in range(layers)
            )
        )

    def forward(self, source: Tensor) -> Tensor:
        """Return p^T for p^S, [m, d] -> [m, d]."""
        # The kernel of plain sums: it adds in a fixed order and in full precision everywhere.
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
    "linear-1": linear_1,
    "linear-2": linear_2,
    "lstm-1": partial(LstmTranslator, layers=1),
    "lstm-2": partial(LstmTranslator, layers=2),
    "transformer-1": partial(TransformerTranslator, layers=1),
    "transformer-2": partial(TransformerTranslator, layers=2),
}
"""By the parameter `translator`: what makes a module [m, d] -> [m, d] of d."""


def make_translator(name: Translator, *, length: int, hidden_size: int) -> nn.Module:
    """Return a module that maps p^S to p^T, [m, d] -> [m, d].

    Args:
        name: the parameter `translator`.
        length: m.
        hidden_size: d, any.
    """
    if name == "none":
        return SecondPrompt(length, hidden_size)
    return ARCHITECTURES[name](hidden_size)
