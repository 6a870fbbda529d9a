"""The language model with every fast path off: transformers' own, on padding, at all positions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from pipeline.backbone.rows import Batch, Row
from pipeline.methods.base import Method
from pipeline.params.runs import LABELS
from pipeline.training.prediction import autocast

BATCH = 32


class PlainBackbone(nn.Module):
    """Stands in for pipeline.prompting.backbone.Backbone.

    Every row is padded to one width, all layers compute all positions, and the head all words.

    Args:
        model: a masked language model of transformers, of the XLM-R family.
        width: tokens of a row with padding, at least the run's max_length.
    """

    def __init__(self, model: Any, *, width: int) -> None:  # noqa: ANN401
        super().__init__()
        self.encoder, self.head = model.base_model, model.lm_head
        self.words = model.get_input_embeddings()
        self.hidden_size = model.config.hidden_size
        self.dropout = model.config.hidden_dropout_prob
        self.initializer_range = model.config.initializer_range
        self.max_length = model.config.max_position_embeddings - model.config.pad_token_id - 1
        self._pad, self._width = model.config.pad_token_id, width

    def states(self, batch: Batch, prompts: Tensor | None = None) -> Tensor:
        """Return the hidden state at each row's `read_at`, [B, d]; see Backbone."""
        ids, slots, prompt, attention, is_read = self._padded(batch)
        words = self.words(ids)
        if prompts is not None and prompts.shape[1] > 0:
            vectors = prompts[prompt, slots.clamp(min=0)].to(words.dtype)
            words = torch.where((slots >= 0)[..., None], vectors, words)
        outputs = self.encoder(inputs_embeds=words, attention_mask=attention)
        hidden: Tensor = outputs.last_hidden_state
        return hidden[is_read.bool()]

    def _padded(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return ids, slots, prompt, 1 for tokens, 1 where a row is read, each [B, width]."""
        is_read = torch.zeros_like(batch.ids).index_fill(0, batch.read_at, 1)
        of_tokens = [batch.ids, batch.slots, batch.prompt, torch.ones_like(batch.ids), is_read]
        held = batch.layout.spread(torch.stack(of_tokens, -1))
        size, longest, _ = held.shape
        padding = held.new_tensor([self._pad, -1, 0, 0, 0])
        rows = padding.repeat(size, max(self._width, longest), 1)
        rows[:, :longest] = held.where(batch.layout.is_token[..., None], padding)
        return rows.unbind(-1)

    def logits(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return the head's logits, [B, d] -> [B, V], or of those the ones of `words`."""
        logits: Tensor = self.head(states)
        return logits if words is None else logits[:, words]


def load_plain(folder: Path, *, width: int) -> PlainBackbone:
    """Load the weights that stage backbone wrote, in float32."""
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    return PlainBackbone(model, width=width)


@torch.inference_mode()
def predict_plainly(method: Method, examples: pd.DataFrame) -> pd.DataFrame:
    """Predict in batches of 32 in the given order.

    Args:
        method: trained; left in evaluation mode.
        examples: language, pair_id, premise, hypothesis, label.

    Returns:
        language, pair_id, label, predicted, and a probability for each label, as in
        artifacts.PREDICTIONS.
    """
    method.eval()
    rows: list[Row] = []
    for language, premise, hypothesis in zip(
        examples.language, examples.premise, examples.hypothesis, strict=True
    ):
        rows += method.rows([premise], [hypothesis], language=str(language))
    probabilities = torch.cat(
        [_softmax(method, rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
    )
    frame = examples[["language", "pair_id", "label"]].reset_index(drop=True)
    frame["predicted"] = probabilities.argmax(-1).numpy()
    for label, name in enumerate(LABELS):
        frame[f"p_{name}"] = probabilities[:, label].numpy()
    return frame


def _softmax(method: Method, rows: Sequence[Row]) -> Tensor:
    with autocast(method):
        logits = method.label_logits(method.collate(rows))
    return logits.float().softmax(-1).cpu()
