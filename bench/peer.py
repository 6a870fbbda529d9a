"""What one would write with transformers: the plain loop over `XLMRobertaForMaskedLM`.

As Hugging Face's examples have it: a forward pass each for the labelled pairs, the source and the
target side; the head at every position, labels of -100 but at the mask; torch's `AdamW` as it
comes; bfloat16 by autocast; no loss is read before the end. Not `Trainer`: it needs `accelerate`.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import XLMRobertaForMaskedLM

from pipeline.backbone.rows import Row
from pipeline.backbone.slots import full_precision
from pipeline.params.runs import Run
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.prompting.template import ClozeTemplate
from pipeline.prompting.translator import make_translator
from pipeline.prompting.verbalizer import label_word_ids
from pipeline.training.registry import read_settings

if TYPE_CHECKING:
    from bench.contenders import Drawn, Task

NOT_A_LABEL = -100
MULTIPLE = 8
"""Rows are padded to a multiple of this many tokens, as transformers advises for tensor cores."""


class Prompts(nn.Module):
    """The soft prompts, and the translator where the method has one; built as the method does."""

    def __init__(self, run: Run, hidden_size: int) -> None:
        super().__init__()
        self.settings = read_settings(run)
        length = self.settings.prompt_length
        self.prompt, self.translator = SoftPrompt(length, hidden_size), None
        if run.method == "mpt":
            self.translator = make_translator(
                self.settings.translator, length=length, hidden_size=hidden_size
            )

    def forward(self) -> Tensor:
        """Return p^S and perhaps p^T, [P, m, d]."""
        source: Tensor = self.prompt()
        with full_precision(source.device):
            made = [source] if self.translator is None else [source, self.translator(source)]
        return torch.stack(made)


class Padded(NamedTuple):
    """B rows padded on the right to T tokens.

    Attributes:
        ids: token ids, -1 - j for slot j of a soft prompt, [B, T].
        attention: 1 for tokens, 0 for padding, [B, T].
        prompt: which soft prompt fills a row's slots, [B].
        read_at: the position of the mask, [B].
    """

    ids: Tensor
    attention: Tensor
    prompt: Tensor
    read_at: Tensor


class Peer:
    """The plain loop; a Contender.

    Args:
        task: what is given.
        padded: whether to `max_length`, or to the longest of the batch.
        seed: of the soft prompt and the translator.
    """

    def __init__(self, task: "Task", *, padded: bool, seed: int) -> None:
        self._model = XLMRobertaForMaskedLM.from_pretrained(task.checkpoint, dtype=torch.float32)
        torch.manual_seed(seed)
        self._prompts = Prompts(task.run, self._model.config.hidden_size)
        self.module = nn.ModuleList([self._prompts, self._model]).to(task.device)
        self._task, self._settings = task, task.run.training
        self._template = ClozeTemplate(
            task.pieces,
            position=task.run.template.position,
            prompt_length=self._prompts.prompt.length,
            max_length=self._settings.max_length,
        )
        words = task.run.template.label_words
        ids = label_word_ids(task.pieces, words, place="--tokenizer")
        self._words = torch.tensor(ids, device=task.device)
        self._width = self._settings.max_length if padded else 0
        self._optimizer = self._make_optimizer()

    def _make_optimizer(self) -> torch.optim.AdamW:
        parameters = list(self.module.parameters())
        groups = [
            {"params": [one for one in parameters if one.ndim > 1]},
            {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
        ]
        rate, decay = self._settings.learning_rate, self._settings.weight_decay
        return torch.optim.AdamW(groups, lr=rate, weight_decay=decay)

    def loss(self, drawn: "Drawn") -> Tensor:
        """Return the loss of a batch of each stream, in nats."""
        labelled = self._padded([one.rows[0] for one in drawn["labelled"]])
        labels = torch.tensor([one.label for one in drawn["labelled"]]).to(self._task.device)
        pairs = drawn.get("pairs", ())
        sides = [self._padded([one.rows[side] for one in pairs]) for side in (0, 1) if pairs]
        with self._autocast():
            prompts = self._prompts()
            cross_entropy = self._cross_entropy(labelled, labels, prompts)
            if not sides:
                return cross_entropy
            source, target = (
                self._at_mask(side, prompts).float().log_softmax(-1) for side in sides
            )
            divergence = partial(functional.kl_div, reduction="batchmean", log_target=True)
            alignment = divergence(target, source) + divergence(source, target)
            alpha: float = self._prompts.settings.alpha
            return alpha * cross_entropy + (1 - alpha) * alignment

    def _cross_entropy(self, batch: Padded, labels: Tensor, prompts: Tensor) -> Tensor:
        if self._prompts.settings.ce_over == "label_words":
            return functional.cross_entropy(self._at_mask(batch, prompts)[:, self._words], labels)
        wanted = torch.full_like(batch.ids, NOT_A_LABEL)
        wanted.scatter_(1, batch.read_at[:, None], self._words[labels][:, None])
        words = self._embedded(batch, prompts)
        outputs = self._model(inputs_embeds=words, attention_mask=batch.attention, labels=wanted)
        loss: Tensor = outputs.loss
        return loss

    def _at_mask(self, batch: Padded, prompts: Tensor) -> Tensor:
        """Return the logits at the masks, [B, V], of those at every position."""
        words = self._embedded(batch, prompts)
        logits: Tensor = self._model(inputs_embeds=words, attention_mask=batch.attention).logits
        return logits[torch.arange(len(logits), device=logits.device), batch.read_at]

    def _embedded(self, batch: Padded, prompts: Tensor) -> Tensor:
        words: Tensor = self._model.get_input_embeddings()(batch.ids.clamp(min=0))
        slots = batch.prompt[:, None] * prompts.shape[1] + (-1 - batch.ids).clamp(min=0)
        vectors = functional.embedding(slots, prompts.flatten(0, 1))
        return torch.where((batch.ids < 0)[..., None], vectors, words)

    def _padded(self, rows: Sequence[Row]) -> Padded:
        tokens, pad = [torch.tensor(row.ids) for row in rows], self._task.pieces.pad
        lengths = torch.tensor([len(one) for one in tokens])
        width = max(self._width, -(-int(lengths.max()) // MULTIPLE) * MULTIPLE)
        ids = pad_sequence(tokens, batch_first=True, padding_value=pad)
        made = (
            functional.pad(ids, (0, width - ids.shape[1]), value=pad),
            (torch.arange(width) < lengths[:, None]).long(),
            torch.tensor([row.prompt for row in rows]),
            torch.tensor([row.read_at for row in rows]),
        )
        return Padded(*(one.to(self._task.device) for one in made))

    def _autocast(self) -> torch.autocast:
        half = self._settings.precision == "bfloat16"
        return torch.autocast(self._task.device.type, dtype=torch.bfloat16, enabled=half)

    def update(self, drawn: "Drawn") -> None:
        """Train on a batch of each stream."""
        self._optimizer.zero_grad()
        self.loss(drawn).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.module.parameters(), self._settings.clip)
        self._optimizer.step()

    @torch.inference_mode()
    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the probability of each label, [N, C], from batches in the test's order."""
        self.module.eval()
        rows: list[Row] = []
        for code, part in test.groupby("language", sort=False):
            translates = self._prompts.translator and code != self._task.languages.source
            premises, hypotheses = list(part.premise), list(part.hypothesis)
            rows += self._template.rows(premises, hypotheses, prompt=1 if translates else 0)
        prompts, found = self._prompts(), []
        threads = torch.get_num_threads()
        torch.set_num_threads(threads * self._task.room)
        size = 256 if self._task.device.type == "cuda" else 32
        for start in range(0, len(rows), size):
            with self._autocast():
                logits = self._at_mask(self._padded(rows[start : start + size]), prompts)
            found.append(logits[:, self._words].float().softmax(-1).cpu())
        torch.set_num_threads(threads)
        return torch.cat(found)
