"""XLM-R, RoBERTa and CamemBERT (Liu et al. 2019, Conneau et al. 2020) in plain torch.

Importing `transformers` takes seconds per cell. Its layers also compute padding, and its last
layer computes tokens that nobody reads.
"""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from pipeline.backbone.attention import Dropout, attend
from pipeline.backbone.backbone import Backbone
from pipeline.backbone.layout import Layout
from pipeline.backbone.rows import Batch
from pipeline.params.strict import Strictly

UNLIKELY = -10_000.0
"""The bias of a token that is no answer; float16 has it too."""

Share = Annotated[float, Field(ge=0, lt=1)]


class Settings(Strictly, extra="ignore"):
    """The keys of config.json that change what is computed, with the defaults of `transformers`."""

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


class Undrawn:
    """Leaves out initial weights: a checkpoint's replace them, and a draw imports the compiler."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Linear(Undrawn, nn.Linear):
    """nn.Linear without initial weights."""


class Embedding(Undrawn, nn.Embedding):
    """nn.Embedding without initial weights."""


class Embeddings(nn.Module):
    """Word, position and token type embeddings, summed and normalised."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        size, pad = settings.hidden_size, settings.pad_token_id
        self.word_embeddings = Embedding(settings.vocab_size, size, padding_idx=pad)
        self.token_type_embeddings = Embedding(settings.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=settings.layer_norm_eps)
        self.dropout = Dropout(settings.hidden_dropout_prob)
        positions = settings.max_position_embeddings
        self.position_embeddings = Embedding(positions, size, padding_idx=pad)
        self.first = pad + 1

    def forward(self, words: Tensor, positions: Tensor) -> Tensor:
        """Return the input of the first layer, [N, d]; all tokens are of type 0."""
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

    def forward(self, hidden: Tensor, layout: Layout, read: Tensor | None) -> Tensor:
        """Return the attended values of all tokens, [N, d], or only of those in `read`, [B, d]."""
        # Gradients are summed in this order.
        keys, values = layout.spread(self.key(hidden)), layout.spread(self.value(hidden))
        query = self.query(hidden if read is None else read)
        queries = layout.spread(query) if read is None else layout.by_block(query)
        masks = layout.masks() if layout.padded else [None] * len(keys)
        dropout = self.dropout if self.training else 0.0
        attended = []
        for *rows, is_token in zip(queries, keys, values, masks, strict=True):
            split = (part.view(*part.shape[:2], self.heads, -1).transpose(1, 2) for part in rows)
            heads = attend(*split, is_token=is_token, dropout=dropout)
            attended.append(heads.transpose(1, 2).flatten(2))
        return layout.gather(attended) if read is None else layout.by_row(attended)


class Residual(nn.Module):
    """A projection and dropout, added to the input of the block and normalised."""

    def __init__(self, inner: int, settings: Settings) -> None:
        super().__init__()
        self.dense = Linear(inner, settings.hidden_size)
        self.LayerNorm = nn.LayerNorm(settings.hidden_size, eps=settings.layer_norm_eps)
        self.dropout = Dropout(settings.hidden_dropout_prob)

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
        """Return hidden states, [N, d], or only those at `read_at`, [B, d]."""
        read = None if read_at is None else hidden.index_select(0, read_at)
        attended = self.attention["self"](hidden, layout, read)
        attended = self.attention["output"](attended, hidden if read is None else read)
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
        self.recomputes = False

    def forward(self, words: Tensor, layout: Layout, read_at: Tensor | None = None) -> Tensor:
        """Return the last layer's hidden states; see XlmRoberta.encode."""
        hidden: Tensor = self.embeddings(words, layout.positions)
        *layers, last = self.encoder["layer"].children()
        # When gradients reach the last layer, memory holds no other one, so it need not save any.
        recomputes = self.recomputes and torch.is_grad_enabled()
        for layer in layers:
            if recomputes:
                hidden = checkpoint(layer, hidden, layout, use_reentrant=False)
            else:
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
        # As in checkpoints: the decoder's own bias if weights are tied, unused if not.
        self.bias = nn.Parameter(torch.zeros(settings.vocab_size))

    def forward(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return logits, [B, V], or only those of `words`, [B, C]; see Backbone.logits."""
        inner: Tensor = self.layer_norm(functional.gelu(self.dense(states)))
        weights = [self.decoder.weight, self.decoder.bias]
        if words is not None:
            weights = [weight.index_select(0, words) for weight in weights]
        return functional.linear(inner, *weights)


class XlmRoberta(Backbone):
    """The encoder and its head, named as in a checkpoint.

    Where each row is read at one position, the last layer is computed only there; and if the
    caller names words, only their logits are computed.
    """

    settings_type = Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.roberta = Encoder(settings)
        self.lm_head = Head(settings)
        self.hidden_size = self.embedding_size = settings.hidden_size
        self.dropout = settings.hidden_dropout_prob
        self.initializer_range = settings.initializer_range
        # Positions are counted from the padding id on.
        self.max_length = settings.max_position_embeddings - settings.pad_token_id - 1
        word_embeddings = "roberta.embeddings.word_embeddings.weight"
        tied = {"lm_head.decoder.weight": word_embeddings, "lm_head.decoder.bias": "lm_head.bias"}
        self.tied = tied if settings.tie_word_embeddings else {}
        for name, other in self.tied.items():
            part, _, last = name.rpartition(".")
            setattr(self.get_submodule(part), last, self.get_parameter(other))

    @property
    def words(self) -> nn.Embedding:
        """The word embeddings, [V, d]."""
        return self.roberta.embeddings.word_embeddings

    @property
    def has_head(self) -> bool:
        """Whether there is a head; see Backbone.has_head."""
        return hasattr(self, "lm_head")

    @property
    def layers(self) -> nn.Module:
        """The encoder; see Backbone.layers."""
        return self.roberta

    def recompute_layers(self, *, place: str) -> None:
        """Keep only the input of layers; see Backbone.recompute_layers."""
        del place
        self.roberta.recomputes = True

    def checkpoint(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return the weights with further tokens; see Backbone.checkpoint."""
        words, number = "roberta.embeddings.word_embeddings.weight", len(vectors)
        weights = dict(self.state_dict())
        weights[words] = torch.cat([weights[words], vectors.to(weights[words])])
        if not self.has_head:
            return weights
        for name in ("lm_head.bias", "lm_head.decoder.bias"):
            unlikely = weights[name].new_full((number,), UNLIKELY)
            weights[name] = torch.cat([weights[name], unlikely])
        decoder = weights["lm_head.decoder.weight"]
        zeros = decoder.new_zeros(number, decoder.shape[1])
        weights["lm_head.decoder.weight"] = torch.cat([decoder, zeros])
        pairs = self.tied.items()
        shared = {a for a, b in pairs if self.get_parameter(a) is self.get_parameter(b)}
        return {name: weight for name, weight in weights.items() if name not in shared}

    def drop_head(self) -> None:
        """Remove the head; see Backbone.drop_head."""
        if self.has_head:
            del self.lm_head
        self.tied = {}

    def read(self, words: Tensor, batch: Batch) -> Tensor:
        """Return hidden states where rows are read; see Backbone.read."""
        if batch.one_per_row:
            return self.encode(words, batch.layout, batch.read_at)
        return self.encode(words, batch.layout).index_select(0, batch.read_at)

    def encode(self, words: Tensor, layout: Layout, read_at: Tensor | None = None) -> Tensor:
        """Return the last layer's hidden states, [N, d], or only those at `read_at`, [B, d].

        `words` are the word embeddings of N tokens, [N, d]; `read_at` is a token per row, [B].
        """
        states: Tensor = self.roberta(words, layout, read_at)
        return states

    def answer(self, states: Tensor, words: Tensor | None) -> Tensor:
        """Return the head's logits; see Backbone.answer."""
        logits: Tensor = self.lm_head(states, words)
        return logits
