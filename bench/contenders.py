"""The two ways to train and predict that bench.speed times.

`Ours` is the pipeline's method, update and prediction. `Peer` is what one would write with
transformers, following Hugging Face's examples: one forward pass each for the labelled pairs, the
source side and the target side; rows padded to the longest of the batch; the head at every
position, with target -100 everywhere but at the mask; torch's `AdamW`; bfloat16 through autocast.
It does without `Trainer`, which needs `accelerate`. Both use the same rows, and the same modules
for the soft prompt and its translator, with the same initial weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.plain import PlainBackbone, build_plain
from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.rows import Row
from pipeline.params.runs import LABELS
from pipeline.training import reproducibility
from pipeline.training.loop import make_optimizer, update
from pipeline.training.method import Context, Example, Moment
from pipeline.training.prediction import autocast, predict
from pipeline.training.registry import build, read_settings

SEED = 1
"""Of the soft prompt and the translator."""

FIRST = Moment(update=0, updates=1, epoch=1)
"""Every update is measured as the first: no method here changes its losses."""

NOT_A_TARGET = -100

Drawn = Mapping[str, Sequence[Example]]
"""The batches of one update, by stream."""


class Ours:
    """The pipeline's method, with its deterministic settings.

    Args:
        context: run, languages and tokenizer of the method; its backbone is not used.
        checkpoint: folder with the initial weights.
        threads: number of batches that are predicted at once.
    """

    def __init__(self, context: Context, *, checkpoint: Path, threads: int) -> None:
        reproducibility.keep_memory()
        reproducibility.make_deterministic(SEED)
        context = replace(context, backbone=load_backbone(checkpoint))
        self.method = build(context).to(reproducibility.device())
        self._optimizer = make_optimizer(self.method, context.run.training)
        self._threads = threads

    def loss(self, drawn: Drawn) -> Tensor:
        """Return the loss of the batches of one update, in nats."""
        with autocast(self.method):
            return self.method.losses(drawn, FIRST).total

    def update(self, drawn: Drawn) -> None:
        """Make one update."""
        rate = self.method.run.training.learning_rate
        update(self.method, drawn, self._optimizer, learning_rate=rate, moment=FIRST)

    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the label probabilities of each test row, [N, C], on the CPU."""
        frame = predict(self.method, test, threads=self._threads)
        return torch.from_numpy(frame[[f"p_{name}" for name in LABELS]].to_numpy())


class Peer:
    """The plain loop over transformers' model; arguments and methods as in Ours.

    It predicts one batch after another, each in `threads` times torch's threads.
    """

    def __init__(self, context: Context, *, checkpoint: Path, threads: int) -> None:
        # Ours changes these for the whole process; the peer runs with torch's defaults.
        torch.set_deterministic_debug_mode("default")
        torch.backends.cudnn.allow_tf32 = True
        backbone = PlainBackbone(checkpoint)
        torch.manual_seed(SEED)
        self.method = build_plain(context, backbone).to(reproducibility.device())
        self._settings, self._threads = read_settings(context.run), threads
        weights = [weight for weight in self.method.parameters() if weight.ndim > 1]
        biases = [bias for bias in self.method.parameters() if bias.ndim <= 1]
        self._optimizer = torch.optim.AdamW(
            [{"params": weights}, {"params": biases, "weight_decay": 0.0}],
            lr=context.run.training.learning_rate,
            weight_decay=context.run.training.weight_decay,
        )

    def loss(self, drawn: Drawn) -> Tensor:
        """Return the loss of the batches of one update, in nats."""
        with autocast(self.method):
            prompts = self.method.soft_prompts()
            cross_entropy = self._cross_entropy(drawn["labelled"], prompts)
            if "pairs" not in drawn:
                return cross_entropy
            sides = zip(*(pair.rows for pair in drawn["pairs"]), strict=True)
            source, target = (
                self._at_mask(rows, prompts).float().log_softmax(-1) for rows in sides
            )
            divergence = partial(functional.kl_div, reduction="batchmean", log_target=True)
            alignment = divergence(target, source) + divergence(source, target)
            alpha = self._settings.alpha
            return alpha * cross_entropy + (1 - alpha) * alignment

    def _cross_entropy(self, examples: Sequence[Example], prompts: Tensor) -> Tensor:
        rows = [example.rows[0] for example in examples]
        labels = torch.tensor([example.label for example in examples]).to(prompts.device)
        words = self.method.word_ids
        if self._settings.ce_over == "label_words":
            return functional.cross_entropy(self._at_mask(rows, prompts)[:, words], labels)
        logits = self._logits(rows, prompts)
        targets = labels.new_full(logits.shape[:2], NOT_A_TARGET)
        read_at = torch.tensor([row.read_at for row in rows]).to(prompts.device)
        targets.scatter_(1, read_at[:, None], words[labels][:, None])
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def _at_mask(self, rows: Sequence[Row], prompts: Tensor) -> Tensor:
        """Return the logits at the masks, [B, V]."""
        return self.method.backbone.read(self._logits(rows, prompts), rows)

    def _logits(self, rows: Sequence[Row], prompts: Tensor) -> Tensor:
        """Return the logits at every position, [B, T, V]."""
        backbone = self.method.backbone
        return backbone.logits(backbone.hidden(rows, prompts))

    def update(self, drawn: Drawn) -> None:
        """Make one update."""
        self._optimizer.zero_grad()
        self.loss(drawn).backward()
        nn.utils.clip_grad_norm_(self.method.parameters(), self.method.run.training.clip)
        self._optimizer.step()

    @torch.inference_mode()
    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the label probabilities of each test row, [N, C], on the CPU."""
        self.method.eval()
        rows: list[Row] = []
        for code, part in test.groupby("language", sort=False):
            rows += self.method.rows(list(part.premise), list(part.hypothesis), language=str(code))
        prompts, parts = self.method.soft_prompts(), []
        usual = torch.get_num_threads()
        torch.set_num_threads(usual * self._threads)
        size = 256 if prompts.device.type == "cuda" else 32
        for start in range(0, len(rows), size):
            with autocast(self.method):
                logits = self._at_mask(rows[start : start + size], prompts)
            parts.append(logits[:, self.method.word_ids].float().softmax(-1).cpu())
        torch.set_num_threads(usual)
        return torch.cat(parts)


Contender = Ours | Peer
CONTENDERS: Mapping[str, type[Contender]] = {"ours": Ours, "peer": Peer}
