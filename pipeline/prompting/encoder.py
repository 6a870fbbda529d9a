"""The masked language model of XLM-R, RoBERTa and CamemBERT in plain torch.

The three are one architecture (Liu et al. 2019, RoBERTa; Conneau et al. 2020, XLM-R). Modules carry
the names of Hugging Face's checkpoints and stand in the order of `transformers`, by which the
optimizer and the norm of the gradients go: in float32 on a CPU both compute the same bits. Why not
`transformers` itself: every cell would pay the seconds that importing it takes.
"""

from typing import Annotated, Literal, Self

import torch
from pydantic import ConfigDict, Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from pipeline.strict import Strictly

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

    def forward(self, words: Tensor) -> Tensor:
        """Return the input of the first layer, [B, T, d].

        Positions are counted from the left whatever stands there, behind the padding id; all
        tokens are of type 0.

        Args:
            words: word embeddings, [B, T, d].
        """
        shape = words.shape[:2]
        positions = torch.arange(self.first, self.first + shape[1], device=words.device)
        types = torch.zeros(shape, dtype=torch.long, device=words.device)
        summed = words + self.token_type_embeddings(types)
        # Looked up for each row: the order in which the gradients are summed depends on it.
        summed = summed + self.position_embeddings(positions.expand(shape))
        embedded: Tensor = self.dropout(self.LayerNorm(summed))
        return embedded


class SelfAttention(nn.Module):
    """Scaled dot-product attention of every token to all that are not padding."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        size = settings.hidden_size
        self.heads = settings.num_attention_heads
        self.query = Linear(size, size)
        self.key = Linear(size, size)
        self.value = Linear(size, size)
        self.dropout = settings.attention_probs_dropout_prob

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Return what each token takes from the others, [B, T, d].

        Args:
            hidden: hidden states, [B, T, d].
            mask: True for tokens, False for padding, [B, 1, 1, T]; None where nothing is padded.
        """
        shape = (*hidden.shape[:2], self.heads, -1)
        query, key, value = (
            project(hidden).view(shape).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        taken = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            scale=query.shape[-1] ** -0.5,
        )
        return taken.transpose(1, 2).contiguous().view(hidden.shape)


class Residual(nn.Module):
    """A projection and dropout, added to what went in before and normalised."""

    def __init__(self, inner: int, settings: Settings) -> None:
        super().__init__()
        self.dense = Linear(inner, settings.hidden_size)
        self.LayerNorm = nn.LayerNorm(settings.hidden_size, eps=settings.layer_norm_eps)
        self.dropout = nn.Dropout(settings.hidden_dropout_prob)

    def forward(self, inner: Tensor, before: Tensor) -> Tensor:
        """Return hidden states, [B, T, inner] and [B, T, d] -> [B, T, d]."""
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

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Return hidden states, [B, T, d]; mask as in SelfAttention."""
        taken = self.attention["self"](hidden, mask)
        attended = self.attention["output"](taken, hidden)
        inner = functional.gelu(self.intermediate["dense"](attended))
        states: Tensor = self.output(inner, attended)
        return states


class Encoder(nn.Module):
    """Word embeddings -> hidden states; arguments are named as in `transformers`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        layers = [Layer(settings) for _ in range(settings.num_hidden_layers)]
        self.embeddings = Embeddings(settings)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, inputs_embeds: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the last layer's hidden states, [B, T, d].

        Args:
            inputs_embeds: word embeddings, [B, T, d], padded on the right.
            attention_mask: 1 for tokens, 0 for padding, [B, T]; None where nothing is padded.
        """
        mask = None
        if attention_mask is not None:
            is_token = attention_mask.bool()
            # Faster kernels of attention take no mask.
            mask = None if is_token.all() else is_token[:, None, None, :]
        hidden: Tensor = self.embeddings(inputs_embeds)
        for layer in self.encoder["layer"].children():
            hidden = layer(hidden, mask)
        return hidden


class Head(nn.Module):
    """Hidden states -> logits over the vocabulary."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.dense = Linear(settings.hidden_size, settings.hidden_size)
        self.layer_norm = nn.LayerNorm(settings.hidden_size, eps=settings.layer_norm_eps)
        self.decoder = Linear(settings.hidden_size, settings.vocab_size)
        # The decoder's own where weights are tied, as checkpoints have it; unused where not.
        self.bias = nn.Parameter(torch.zeros(settings.vocab_size))

    def forward(self, states: Tensor) -> Tensor:
        """Return logits, [..., d] -> [..., V]."""
        logits: Tensor = self.decoder(self.layer_norm(functional.gelu(self.dense(states))))
        return logits


class MaskedLanguageModel(nn.Module):
    """The encoder and its head, named as in a checkpoint."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.lm_head = Head(settings)
        self.roberta = Encoder(settings)
