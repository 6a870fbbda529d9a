"""The backbone: all that prompting, methods and training may ask of a masked language model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from pipeline.backbone.rows import Batch
from pipeline.backbone.slots import fill_slots, full_precision


class Backbone(nn.Module, ABC):
    """A masked language model of any class, size and vocabulary.

    `XlmRoberta` is our own encoder, `MaskedLm` any suitable class of `transformers`. Methods,
    losses and stages do not know which of them they have.

    Attributes:
        hidden_size: d, the width of hidden states.
        embedding_size: the width of word embeddings and soft prompts, in most models d.
        dropout: the share that a new classifier drops.
        initializer_range: the standard deviation of initial weights.
        max_length: the number of tokens in the longest input.
        separator: the token after which token types change from 0 to 1; None without types.
        tied: pairs of names that share one parameter; a checkpoint may hold either or both.
        is_rounded: whether the weights of the layers are in bfloat16.
    """

    hidden_size: int
    embedding_size: int
    dropout: float
    initializer_range: float
    max_length: int
    separator: int | None = None
    tied: Mapping[str, str]
    is_rounded: bool = False

    @property
    @abstractmethod
    def words(self) -> nn.Embedding:
        """The word embeddings, [V, e]."""

    @property
    @abstractmethod
    def has_head(self) -> bool:
        """Whether there is a masked language model's head, which `logits` needs."""

    @property
    @abstractmethod
    def layers(self) -> nn.Module:
        """What makes hidden states of word embeddings; these may be among its parts."""

    @abstractmethod
    def recompute_layers(self, *, place: str) -> None:
        """Compute each layer again for its gradients, and keep only its input until then.

        Losses and gradients stay the same. `place` is where somebody chose that.

        Raises:
            InputError: the class cannot do that.
        """

    @abstractmethod
    def read(self, words: Tensor, batch: Batch) -> Tensor:
        """Return the last layer's hidden states where rows are read, [R, d].

        `words` are the word embeddings of the batch's tokens, [N, e], soft prompts among them.
        """

    @abstractmethod
    def answer(self, states: Tensor, words: Tensor | None) -> Tensor:
        """Return the head's logits, called as `logits` is, for states in its precision."""

    @abstractmethod
    def checkpoint(self, vectors: Tensor) -> dict[str, Tensor]:
        """Return the weights as `transformers` reads them, with more tokens in the vocabulary.

        Their embeddings are `vectors`, [P, e]; as an answer, they are never likely.

        Raises:
            InputError: the class has no place for such tokens.
        """

    @abstractmethod
    def drop_head(self) -> None:
        """Remove the masked language model's head, if there is one; a classifier has its own."""

    def round_weights(self) -> None:
        """Keep weights in bfloat16, and with them their gradients and Adam's moments.

        Word embeddings and head stay in float32, so logits do not get coarser.
        """
        self.is_rounded = True
        for weight in self.layers.parameters():
            if weight is not self.words.weight:
                weight.data = weight.data.bfloat16()

    def states(self, batch: Batch, prompts: Tensor | None = None) -> Tensor:
        """Return the hidden state at each position that is read, row by row, [R, d].

        Rows with slots need `prompts`, [P, m, e]; `batch.prompt` names the one for each token.
        """
        words = self.words(batch.ids)
        if prompts is not None and prompts.shape[1] > 0:
            words = fill_slots(words, batch.slots, batch.prompt, prompts=prompts)
        return self.read(words.bfloat16() if self.is_rounded else words, batch)

    def logits(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return the head's logits for hidden states, [R, d] -> [R, V] (Eq. 2 and 6).

        With `words`, ids of the only words whose logits are needed, [C], return [R, C]. Under
        autocast, too, the head computes in the precision of its weights: rounded to bfloat16,
        close logits of two labels would often be equal.
        """
        with full_precision(states.device):
            return self.answer(states.to(self.words.weight.dtype), words)
