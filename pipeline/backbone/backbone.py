"""The backbone: all that prompting, methods and training may ask of a masked language model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from pipeline.backbone.layout import Layout
from pipeline.backbone.rows import Batch
from pipeline.backbone.slots import fill_slots, full_precision
from pipeline.params.strict import Strictly


class Backbone(nn.Module, ABC):
    """A masked language model of any size and vocabulary.

    An architecture is a subclass, built as `Subclass(settings)`, whose parameters are named as in
    its checkpoints. Where each row is read at one position, the last layer is computed only
    there; and if the caller names words, only their logits are computed.

    Attributes:
        settings_type: the keys of config.json that it reads.
        initializer_range: the standard deviation of initial weights.
        max_length: the number of tokens in the longest input.
        tied: pairs of names that share one parameter; a checkpoint may hold either or both.
    """

    settings_type: ClassVar[type[Strictly]]
    hidden_size: int
    dropout: float
    initializer_range: float
    max_length: int
    tied: Mapping[str, str]

    @property
    @abstractmethod
    def words(self) -> nn.Embedding:
        """The word embeddings, [V, d]."""

    @property
    @abstractmethod
    def head(self) -> nn.Module:
        """The masked language model's head, called as `logits` is."""

    @abstractmethod
    def encode(self, words: Tensor, layout: Layout, read_at: Tensor | None = None) -> Tensor:
        """Return the last layer's hidden states, [N, d], or only those at `read_at`, [B, d].

        `words` are the word embeddings of N tokens, [N, d]; `read_at` is a token per row, [B].
        """

    @abstractmethod
    def checkpoint(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return the weights as `transformers` reads them, with more tokens in the vocabulary.

        Their embeddings are `vectors`, [P, d]; as an answer, they are never likely.
        """

    @abstractmethod
    def drop_head(self) -> None:
        """Remove the masked language model's head, in whose place a classifier has another."""

    def states(self, batch: Batch, prompts: Tensor | None = None) -> Tensor:
        """Return the hidden state at each position that is read, row by row, [R, d].

        Rows with slots need `prompts`, [P, m, d]; `batch.prompt` names the one for each token.
        """
        words = self.words(batch.ids)
        if prompts is not None and prompts.shape[1] > 0:
            words = fill_slots(words, batch.slots, batch.prompt, prompts=prompts)
        if batch.one_per_row:
            return self.encode(words, batch.layout, batch.read_at)
        return self.encode(words, batch.layout).index_select(0, batch.read_at)

    def logits(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return the head's logits for hidden states, [R, d] -> [R, V] (Eq. 2 and 6).

        With `words`, ids of the only words whose logits are needed, [C], return [R, C]. Under
        autocast, too, the head computes in the precision of its weights: rounded to bfloat16,
        close logits of two labels would often be equal.
        """
        with full_precision(states.device):
            logits: Tensor = self.head(states.to(self.words.weight.dtype), words)
        return logits
