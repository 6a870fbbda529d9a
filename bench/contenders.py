"""Three ways to train and to predict: the project's own, and two that use transformers.

All take the same rows, losses and initial weights, and the same modules for the soft prompt and
its translator. What differs is how the language model is used:

- `ours`: the pipeline's method, update and prediction, under its deterministic settings.
- `dynamic`: the plain loop of Hugging Face's examples over `XLMRobertaForMaskedLM`. A forward pass
  each for the labelled pairs, the source and the target side; rows padded to the longest of the
  batch; the head at every position, labels of -100 but at the mask; torch's `AdamW` as it comes;
  no loss is read before the end. Not `Trainer`, which needs `accelerate`.
- `padded`: the same, padded to `max_length`, as the baselines' published code does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import XLMRobertaForMaskedLM

from pipeline import prediction, training
from pipeline.blocks import LABELS, LanguageParams
from pipeline.methods import build, read_settings
from pipeline.methods.base import Context, Example
from pipeline.prompting.backbone import load_backbone
from pipeline.prompting.rows import Row
from pipeline.prompting.soft_prompt import SoftPrompt, full_precision
from pipeline.prompting.template import ClozeTemplate
from pipeline.prompting.tokens import Pieces
from pipeline.prompting.translator import make_translator
from pipeline.prompting.verbalizer import label_word_ids
from pipeline.reproducibility import make_deterministic
from pipeline.runs import Run

SEED = 1
NOT_A_LABEL = -100
MULTIPLE = 8
"""Rows are padded to a multiple of this many tokens, as transformers advises for tensor cores."""

Drawn = Mapping[str, Sequence[Example]]


@dataclass(frozen=True)
class Task:
    """What every contender is given.

    Attributes:
        run: mpt or sp with its settings.
        languages: of the test.
        pieces: the tokenizer.
        checkpoint: the folder of the initial weights.
        device: where to train.
    """

    run: Run
    languages: LanguageParams
    pieces: Pieces
    checkpoint: Path
    device: torch.device

    def context(self) -> Context:
        """Return what a method of the pipeline is built from."""
        return Context(self.run, self.languages, load_backbone(self.checkpoint), self.pieces)


class Contender(Protocol):
    """One way to train and to predict; `module` holds all weights."""

    module: nn.Module

    def loss(self, drawn: Drawn) -> Tensor:
        """Return the loss of a batch of each stream, in nats."""

    def update(self, drawn: Drawn) -> None:
        """Train on a batch of each stream."""

    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the probability of each label for each row of the test, [N, C], on the CPU."""


class Ours:
    """The project's own method."""

    def __init__(self, task: Task) -> None:
        make_deterministic(SEED)
        self.module = build(task.context()).to(task.device)
        self._optimizer = training.make_optimizer(self.module, task.run.training)

    def loss(self, drawn: Drawn) -> Tensor:
        """Return the loss; see Contender."""
        with prediction.autocast(self.module):
            return self.module.losses(drawn).total

    def update(self, drawn: Drawn) -> None:
        """Make an update as pipeline/training.py does."""
        rate = self.module.run.training.learning_rate
        training.update(self.module, drawn, self._optimizer, learning_rate=rate)

    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the label probabilities; see Contender."""
        frame = prediction.predict(self.module, test)
        return torch.from_numpy(frame[[f"p_{name}" for name in LABELS]].to_numpy())


class Prompts(nn.Module):
    """The soft prompts, and the translator where the method has one."""

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


class Peer:
    """The plain loop over transformers' model.

    Args:
        task: what is given.
        padded: whether to `max_length`, or to the longest of the batch.
    """

    def __init__(self, task: Task, *, padded: bool) -> None:
        _as_torch_comes()
        self._model = XLMRobertaForMaskedLM.from_pretrained(task.checkpoint, dtype=torch.float32)
        torch.manual_seed(SEED)  # what is drawn next is drawn as ours is
        self._prompts = Prompts(task.run, self._model.config.hidden_size)
        self.module = nn.ModuleList([self._prompts, self._model]).to(task.device)
        self._run, self._device, self._pad = task.run, task.device, task.pieces.pad
        self._source = task.languages.source
        self._template = ClozeTemplate(
            task.pieces,
            position=task.run.template.position,
            prompt_length=self._prompts.prompt.length,
            max_length=task.run.training.max_length,
        )
        words = task.run.template.label_words
        ids = label_word_ids(task.pieces, words, place="--tokenizer")
        self._words = torch.tensor(ids, device=task.device)
        self._width = task.run.training.max_length if padded else 0
        self._batch = 256 if task.device.type == "cuda" else 32
        self._optimizer = self._make_optimizer()

    def _make_optimizer(self) -> torch.optim.AdamW:
        chosen, parameters = self._run.training, list(self.module.parameters())
        groups = [
            {"params": [one for one in parameters if one.ndim > 1]},
            {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            groups, lr=chosen.learning_rate, weight_decay=chosen.weight_decay
        )

    def loss(self, drawn: Drawn) -> Tensor:
        """Return the loss; see Contender."""
        with self._autocast():
            cross_entropy = self._cross_entropy(drawn["labelled"])
            if "pairs" not in drawn:
                return cross_entropy
            source, target = (
                self._at_mask([one.rows[side] for one in drawn["pairs"]]).float().log_softmax(-1)
                for side in (0, 1)
            )
            divergence = partial(functional.kl_div, reduction="batchmean", log_target=True)
            alignment = divergence(target, source) + divergence(source, target)
            alpha: float = self._prompts.settings.alpha
            return alpha * cross_entropy + (1 - alpha) * alignment

    def _cross_entropy(self, labelled: Sequence[Example]) -> Tensor:
        rows = [one.rows[0] for one in labelled]
        labels = torch.tensor([one.label for one in labelled]).to(self._device)
        if self._prompts.settings.ce_over == "label_words":
            return functional.cross_entropy(self._at_mask(rows)[:, self._words], labels)
        inputs = self._inputs(rows)
        wanted = torch.full_like(inputs["attention_mask"], NOT_A_LABEL)
        wanted.scatter_(1, self._read_at(rows)[:, None], self._words[labels][:, None])
        loss: Tensor = self._model(**inputs, labels=wanted).loss
        return loss

    def update(self, drawn: Drawn) -> None:
        """Make an update; see Contender."""
        self._optimizer.zero_grad()
        self.loss(drawn).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.module.parameters(), self._run.training.clip)
        self._optimizer.step()

    @torch.inference_mode()
    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the label probabilities, from batches in the test's order; see Contender."""
        self.module.eval()
        rows: list[Row] = []
        for code, part in test.groupby("language", sort=False):
            side = int(self._prompts.translator is not None and code != self._source)
            rows += self._template.rows(list(part.premise), list(part.hypothesis), prompt=side)
        found = []
        for start in range(0, len(rows), self._batch):
            with self._autocast():
                logits = self._at_mask(rows[start : start + self._batch])
            found.append(logits[:, self._words].float().softmax(-1).cpu())
        return torch.cat(found)

    def _at_mask(self, rows: Sequence[Row]) -> Tensor:
        """Return the logits at the masks, [B, V], of those at every position."""
        logits: Tensor = self._model(**self._inputs(rows)).logits
        return logits[torch.arange(len(rows), device=self._device), self._read_at(rows)]

    def _read_at(self, rows: Sequence[Row]) -> Tensor:
        return torch.tensor([row.read_at for row in rows]).to(self._device)

    def _inputs(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        """Return the model's arguments; a soft prompt stands where ids are negative."""
        tokens = [torch.tensor(row.ids) for row in rows]
        width = max(self._width, -(-max(map(len, tokens)) // MULTIPLE) * MULTIPLE)
        ids = pad_sequence(tokens, batch_first=True, padding_value=self._pad)
        ids = functional.pad(ids, (0, width - ids.shape[1]), value=self._pad)
        lengths = torch.tensor([len(one) for one in tokens])
        attention = (torch.arange(width) < lengths[:, None]).long().to(self._device)
        which = torch.tensor([row.prompt for row in rows]).to(self._device)
        ids = ids.to(self._device)
        words = self._model.get_input_embeddings()(ids.clamp(min=0))
        prompts = self._prompts()
        slots = which[:, None] * prompts.shape[1] + (-1 - ids).clamp(min=0)
        vectors = functional.embedding(slots, prompts.flatten(0, 1))
        words = torch.where((ids < 0)[..., None], vectors, words)
        return {"inputs_embeds": words, "attention_mask": attention}

    def _autocast(self) -> torch.autocast:
        half = self._run.training.precision == "bfloat16"
        return torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=half)


def _as_torch_comes() -> None:
    """Undo what `make_deterministic` forbids."""
    torch.set_deterministic_debug_mode("default")
    torch.backends.cudnn.allow_tf32 = True


CONTENDERS = {
    "ours": Ours,
    "dynamic": partial(Peer, padded=False),
    "padded": partial(Peer, padded=True),
}
"""By name; each makes a contender of a task."""
