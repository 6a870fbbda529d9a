"""The masked language model: word embeddings, encoder, and the head at one position alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.prompting.rows import Batch
from pipeline.prompting.soft_prompt import fill_slots

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Backbone(nn.Module):
    """A masked language model of the XLM-R family, of any size and vocabulary.

    The head of XLM-R has 250,002 rows: it is evaluated where a row is read, not at every token.
    """

    def __init__(self, model: "PreTrainedModel") -> None:
        super().__init__()
        if not hasattr(model, "lm_head"):
            raise InputError(
                f"params.yaml: backbone.path: expected a masked language model of the XLM-R "
                f"family, found {type(model).__name__}"
            )
        self.encoder: nn.Module = model.base_model
        self.head: nn.Module = model.lm_head
        self.words: nn.Module = model.get_input_embeddings()
        self.hidden_size: int = model.config.hidden_size
        self.dropout: float = model.config.hidden_dropout_prob
        self.initializer_range: float = model.config.initializer_range
        # XLM-R's positions start behind the padding id.
        self.max_length: int = model.config.max_position_embeddings - model.config.pad_token_id - 1

    def states(self, batch: Batch, prompts: Tensor | None = None) -> Tensor:
        """Return the hidden state at each row's `read_at`, [B, d].

        Args:
            batch: B rows.
            prompts: the soft prompts, [P, m, d]; row b's slots are filled from
                `prompts[batch.prompt[b]]`. None where rows have no slots.
        """
        words = self.words(batch.ids)
        if prompts is not None and prompts.shape[1] > 0:
            words = fill_slots(words, batch.slots, prompts[batch.prompt])
        hidden: Tensor = self.encoder(
            inputs_embeds=words, attention_mask=batch.attention
        ).last_hidden_state
        return hidden[torch.arange(len(hidden), device=hidden.device), batch.read_at]

    def logits(self, states: Tensor) -> Tensor:
        """Return the head's logits for hidden states, [B, d] -> [B, V] (Eq. 2 and 6)."""
        logits: Tensor = self.head(states)
        return logits


def load_backbone(folder: Path) -> Backbone:
    """Load the weights that stage backbone wrote, in float32.

    Raises:
        InputError: there are none, or they are no masked language model of the family.
    """
    from transformers import AutoModelForMaskedLM
    from transformers.utils import logging

    if not (folder / "config.json").is_file():
        raise InputError(f"{folder}: expected a backbone (stage backbone), found none")
    logging.disable_progress_bar()
    model = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return Backbone(model)
