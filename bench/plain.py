"""The language model without any fast path: transformers' own, padded, at all positions.

A method built on it hands over its rows as they are (`build_plain`), so nothing here depends on the
pipeline's batches.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForMaskedLM

from pipeline.backbone.rows import Row
from pipeline.training.method import Context, Method
from pipeline.training.registry import build

MULTIPLE = 8
"""Rows are padded to a multiple of 8 tokens, as transformers advises for tensor cores."""


class PlainBackbone(nn.Module):
    """Replaces pipeline.backbone.backbone.Backbone; a batch is a list of rows.

    Args:
        checkpoint: folder of a masked language model of the XLM-R family.
        width: least number of tokens per row, padding included.
    """

    def __init__(self, checkpoint: Path, *, width: int = 0) -> None:
        super().__init__()
        model = AutoModelForMaskedLM.from_pretrained(checkpoint, dtype=torch.float32)
        self.encoder, self.head = model.base_model, model.lm_head
        self.words = model.get_input_embeddings()
        self.hidden_size = self.embedding_size = model.config.hidden_size
        self.has_head = True
        self.dropout = model.config.hidden_dropout_prob
        self.initializer_range = model.config.initializer_range
        self.max_length = model.config.max_position_embeddings - model.config.pad_token_id - 1
        self._pad, self._width = model.config.pad_token_id, width

    def hidden(self, rows: Sequence[Row], prompts: Tensor | None = None) -> Tensor:
        """Return the hidden states at every position, [B, T, d]; see Backbone.states."""
        tokens = [torch.tensor(row.ids) for row in rows]
        ids = pad_sequence(tokens, batch_first=True, padding_value=self._pad)
        width = max(self._width, -(-ids.shape[1] // MULTIPLE) * MULTIPLE)
        ids = self._moved(functional.pad(ids, (0, width - ids.shape[1]), value=self._pad))
        lengths = torch.tensor([len(row.ids) for row in rows])
        attention = self._moved((torch.arange(width) < lengths[:, None]).long())
        words = self.words(ids.clamp(min=0))
        if prompts is not None and prompts.shape[1] > 0:
            prompt = self._moved(torch.tensor([row.prompt for row in rows]))
            slots = prompt[:, None] * prompts.shape[1] + (-1 - ids).clamp(min=0)
            vectors = functional.embedding(slots, prompts.flatten(0, 1))
            words = torch.where((ids < 0)[..., None], vectors.to(words.dtype), words)
        return self.encoder(inputs_embeds=words, attention_mask=attention).last_hidden_state

    def states(self, rows: Sequence[Row], prompts: Tensor | None = None) -> Tensor:
        """Return the hidden state at each position that is read, [R, d]; see Backbone.states."""
        return self.read(self.hidden(rows, prompts), rows)

    def read(self, values: Tensor, rows: Sequence[Row]) -> Tensor:
        """Return what stands at each position that is read, [B, T, d] -> [R, d]."""
        read = [(number, at) for number, row in enumerate(rows) for at in row.positions]
        return values[self._moved(torch.tensor(read)).unbind(1)]

    def logits(self, states: Tensor, words: Tensor | None = None) -> Tensor:
        """Return the head's logits, [..., d] -> [..., V], or those of `words`, [..., C]."""
        logits = self.head(states)
        return logits if words is None else logits[..., words]

    def drop_head(self) -> None:
        """Remove the head, which a classifier does not read."""
        self.head, self.has_head = None, False

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.words.weight.device)


def build_plain(context: Context, backbone: PlainBackbone) -> Method:
    """Return the run's method on a plain backbone."""
    method = build(replace(context, backbone=backbone))
    method.collate = list
    return method
