"""Three ways to train and to predict: the project's own, and two that use transformers.

All take the same rows, losses and initial weights, and the same modules for the soft prompt and
its translator. What differs is how the language model is used:

- `ours`: the pipeline's method, update and prediction, under its deterministic settings.
- `dynamic`: the plain loop of bench/peer.py, rows padded to the longest of a batch.
- `padded`: the same, rows padded to `max_length`, as the baselines' published code does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor, nn

from bench.peer import Peer
from pipeline import training
from pipeline.backbone.backbone import load_backbone
from pipeline.backbone.tokens import Pieces
from pipeline.methods.base import Context, Example
from pipeline.params.runs import LABELS, LanguageParams, Run
from pipeline.training import prediction
from pipeline.training.registry import build
from pipeline.training.reproducibility import make_deterministic

SEED = 1
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
        room: cores for predictions of a small model, which trains on one: ours takes as many
            batches at once, the peers compute each batch in as many threads.
    """

    run: Run
    languages: LanguageParams
    pieces: Pieces
    checkpoint: Path
    device: torch.device
    room: int = 1

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
        self._room = task.room

    def loss(self, drawn: Drawn) -> Tensor:
        """Return the loss; see Contender."""
        with prediction.autocast(self.module):
            return self.module.losses(drawn).total

    def update(self, drawn: Drawn) -> None:
        """Make an update as pipeline/training/ does."""
        rate = self.module.run.training.learning_rate
        training.update(self.module, drawn, self._optimizer, learning_rate=rate)

    def probabilities(self, test: pd.DataFrame) -> Tensor:
        """Return the label probabilities; see Contender."""
        frame = prediction.predict(self.module, test, threads=self._room)
        return torch.from_numpy(frame[[f"p_{name}" for name in LABELS]].to_numpy())


def _peer(task: Task, *, padded: bool) -> Peer:
    # What make_deterministic may have forbidden before is as torch has it by itself.
    torch.set_deterministic_debug_mode("default")
    torch.backends.cudnn.allow_tf32 = True
    return Peer(task, padded=padded, seed=SEED)


CONTENDERS: Mapping[str, Callable[[Task], Contender]] = {
    "ours": Ours,
    "dynamic": lambda task: _peer(task, padded=False),
    "padded": lambda task: _peer(task, padded=True),
}
"""By name."""
