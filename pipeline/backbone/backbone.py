"""The masked language model: word embeddings, encoder, and the head at one position alone."""

from pathlib import Path

from torch import Tensor, nn

from pipeline.backbone.checkpoint import load_model, not_of_the_family
from pipeline.backbone.encoder import MaskedLanguageModel
from pipeline.backbone.rows import Batch
from pipeline.backbone.slots import fill_slots
from pipeline.errors import InputError


class Backbone(nn.Module):
    """A masked language model of the XLM-R family, of any size and vocabulary.

    What is computed is what is read: one token's state of each row, and the head there alone, which
    in XLM-R has 250,002 rows.
    """

    def __init__(self, model: MaskedLanguageModel) -> None:
        super().__init__()
        if not isinstance(model, MaskedLanguageModel):
            raise not_of_the_family(type(model).__name__)
        settings = model.settings
        self.encoder = model.roberta
        self.head = model.lm_head
        self.words = model.roberta.embeddings.word_embeddings
        self.hidden_size = settings.hidden_size
        self.dropout = settings.hidden_dropout_prob
        self.initializer_range = settings.initializer_range
        # XLM-R's positions start behind the padding id.
        self.max_length = settings.max_position_embeddings - settings.pad_token_id - 1

    def states(self, batch: Batch, prompts: Tensor | None = None) -> Tensor:
        """Return the hidden state at each row's `read_at`, [B, d].

        Args:
            batch: B rows.
            prompts: the soft prompts, [P, m, d]; a token's slot is filled from the one that
                `batch.prompt` names. None where rows have no slots.
        """
        words = self.words(batch.ids)
        if prompts is not None and prompts.shape[1] > 0:
            words = fill_slots(words, batch.slots, batch.prompt, prompts=prompts)
        hidden: Tensor = self.encoder(words, batch.layout, batch.read_at)
        return hidden

    def logits(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return the head's logits for hidden states, [B, d] -> [B, V] (Eq. 2 and 6).

        Args:
            states: hidden states, [B, d].
            words: ids of the words whose logits alone are wanted, [C]: then [B, C] is returned.
        """
        logits: Tensor = self.head(states, words)
        return logits


def load_backbone(folder: Path) -> Backbone:
    """Load the weights that stage backbone wrote, in float32.

    Raises:
        InputError: there are none, or they are no masked language model of the family.
    """
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder}: expected a backbone (stage backbone), found none")
    return Backbone(load_model(folder))
