"""The masked language model of XLM-R, RoBERTa and CamemBERT in plain torch.

The three are one architecture (Liu et al. 2019, RoBERTa; Conneau et al. 2020, XLM-R). Modules carry
the names of Hugging Face's checkpoints. Why not `transformers` itself: every cell would pay the
seconds that importing it takes, every layer would work on padding, and the last one on tokens that
nobody reads.
"""

from typing import Annotated, Literal, Self

import torch
from pydantic import ConfigDict, Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from pipeline.backbone.layout import Layout
from pipeline.params.strict import Strictly

Share = Annotated[float, Field(ge=0, lt=1)]


class Settings(Strictly):
    """What config.json says of the architecture; its other keys make no difference here.

    A key that a file leaves out has the value that `transformers` gives it.
    """

    model_config = ConfigDict(extra="ignore")

    vocab_size: PositiveInt
    hidden_size: PositiveInt
    num_hidden_layers: PositiveInt
    num_attention_heads: PositiveInt
    intermediate_size: PositiveInt
    max_position_embeddings: PositiveInt
    type_vocab_size: PositiveInt = 2
    pad_token_id: Annotated[int, Field(ge=0)] = 1
    layer_norm_eps: Annotated[float, Field(gt=0)] = 1e-12
    hidden_dropout_prob: Share = 0.1
    attention_probs_dropout_prob: Share = 0.1
    initializer_range: Annotated[float, Field(gt=0)] = 0.02
    tie_word_embeddings: bool = True
    hidden_act: Literal["gelu"] = "gelu"
    is_decoder: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.is_decoder:
            raise ValueError("is_decoder: expected false, found true")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size: expected a multiple of num_attention_heads "
                f"({self.num_attention_heads}), found {self.hidden_size}"
            )
        return self


class Linear(nn.Linear):
    """nn.Linear without initial weights: those of a checkpoint follow."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Embedding(nn.Embedding):
    """nn.Embedding without initial weights: those of a checkpoint follow."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Embeddings(nn.Module):
    """Word, position and token type, summed and normalised."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        size, pad = settings.hidden_size, settings.pad_token_id
        self.word_embeddings = Embedding(settings.vocab_size, size, padding_idx=pad)
        self.token_type_embeddings = Embedding(settings.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=settings.layer_norm_eps)
        self.dropout = nn.Dropout(settings.hidden_dropout_prob)
        self.position_embeddings = Embedding(
            settings.max_position_embeddings, size, padding_idx=pad
        )
        self.first = pad + 1

    def forward(self, words: Tensor, positions: Tensor) -> Tensor:
        """Return the input of the first layer, [N, d]; all tokens are of type 0.

        Args:
            words: word embeddings, [N, d].
            positions: of each token in its row, from 0, [N].
        """
        summed = words + self.token_type_embeddings.weight[0]
        summed = summed + self.position_embeddings(positions + self.first)
        embedded: Tensor = self.dropout(self.LayerNorm(summed))
        return embedded


class SelfAttention(nn.Module):
    """Scaled dot-product attention to all tokens of a row."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        size = settings.hidden_size
        self.heads = settings.num_attention_heads
        self.query = Linear(size, size)
        self.key = Linear(size, size)
        self.value = Linear(size, size)
        self.dropout = settings.attention_probs_dropout_prob

    def forward(self, hidden: Tensor, layout: Layout, asking: Tensor | None) -> Tensor:
        """Return what tokens take from the others of their row, [N, d].

        Args:
            hidden: hidden states, [N, d].
            layout: of the N tokens.
            asking: the state of one token of each row, [B, d], where no other is wanted: then
                [B, d] is returned.
        """
        key, value = (layout.spread(one(hidden)) for one in (self.key, self.value))
        query = self.query(hidden if asking is None else asking)
        query = layout.spread(query) if asking is None else query[:, None]
        query, key, value = (
            one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in (query, key, value)
        )
        taken = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            # Faster kernels take no mask.
            attn_mask=layout.is_token[:, None, None, :] if layout.padded else None,
            dropout_p=self.dropout if self.training else 0.0,
        )
        rows = taken.transpose(1, 2).flatten(2)
        return layout.gather(rows) if asking is None else rows[:, 0]


class Residual(nn.Module):
    """A projection and dropout, added to what went in before and normalised."""

    def __init__(self, inner: int, settings: Settings) -> None:
        super().__init__()
        self.dense = Linear(inner, settings.hidden_size)
        self.LayerNorm = nn.LayerNorm(settings.hidden_size, eps=settings.layer_norm_eps)
        self.dropout = nn.Dropout(settings.hidden_dropout_prob)

    def forward(self, inner: Tensor, before: Tensor) -> Tensor:
        """Return hidden states, [N, inner] and [N, d] -> [N, d]."""
        states: Tensor = self.LayerNorm(self.dropout(self.dense(inner)) + before)
        return states


class Layer(nn.Module):
    """Attention, then two projections with GELU between them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        size, inner = settings.hidden_size, settings.intermediate_size
        self.attention = nn.ModuleDict(
            {"self": SelfAttention(settings), "output": Residual(size, settings)}
        )
        self.intermediate = nn.ModuleDict({"dense": Linear(size, inner)})
        self.output = Residual(inner, settings)

    def forward(self, hidden: Tensor, layout: Layout, read_at: Tensor | None = None) -> Tensor:
        """Return hidden states, [N, d], or those at `read_at` alone, [B, d].

        Args:
            hidden: hidden states, [N, d].
            layout: of the N tokens.
            read_at: a token of each row, [B].
        """
        asking = None if read_at is None else hidden.index_select(0, read_at)
        taken = self.attention["self"](hidden, layout, asking)
        attended = self.attention["output"](taken, hidden if asking is None else asking)
        inner = functional.gelu(self.intermediate["dense"](attended))
        states: Tensor = self.output(inner, attended)
        return states


class Encoder(nn.Module):
    """Word embeddings -> hidden states."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        layers = [Layer(settings) for _ in range(settings.num_hidden_layers)]
        self.embeddings = Embeddings(settings)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, words: Tensor, layout: Layout, read_at: Tensor | None = None) -> Tensor:
        """Return the last layer's hidden states, [N, d], or those at `read_at` alone, [B, d].

        In the last layer no other token's state is computed then.

        Args:
            words: word embeddings, [N, d].
            layout: of the N tokens.
            read_at: a token of each row, [B].
        """
        hidden: Tensor = self.embeddings(words, layout.positions)
        *layers, last = self.encoder["layer"].children()
        for layer in layers:
            hidden = layer(hidden, layout)
        states: Tensor = last(hidden, layout, read_at)
        return states


class Head(nn.Module):
    """Hidden states -> logits over the vocabulary."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.dense = Linear(settings.hidden_size, settings.hidden_size)
        self.layer_norm = nn.LayerNorm(settings.hidden_size, eps=settings.layer_norm_eps)
        self.decoder = Linear(settings.hidden_size, settings.vocab_size)
        # The decoder's own where weights are tied, as checkpoints have it; unused where not.
        self.bias = nn.Parameter(torch.zeros(settings.vocab_size))

    def forward(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return logits, [B, d] -> [B, V], or those of some words alone, [B, C].

        Args:
            states: hidden states, [B, d].
            words: ids of the vocabulary, [C].
        """
        inner: Tensor = self.layer_norm(functional.gelu(self.dense(states)))
        if words is None:
            logits: Tensor = self.decoder(inner)
            return logits
        weight, bias = (
            one.index_select(0, words) for one in (self.decoder.weight, self.decoder.bias)
        )
        return functional.linear(inner, weight, bias)


class MaskedLanguageModel(nn.Module):
    """The encoder and its head, named as in a checkpoint."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.lm_head = Head(settings)
        self.roberta = Encoder(settings)
