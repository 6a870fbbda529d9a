"""What every method is: the contract between a method's file, training and prediction."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.backbone.backbone import Backbone
from pipeline.backbone.layout import moved
from pipeline.backbone.rows import Batch, Row, collate
from pipeline.backbone.tokens import Pieces
from pipeline.errors import InputError
from pipeline.params.runs import LanguageParams, Run
from pipeline.prompting.nli import Answers
from pipeline.prompting.template import ClozeTemplate, Template
from pipeline.prompting.verbalizer import label_word_ids
from pipeline.training.exported import Exported, Reading, answers_of
from pipeline.training.text import TrainingText


class Example(NamedTuple):
    """An item of a training batch: the rows of one labelled pair, parallel pair or other text."""

    rows: tuple[Row, ...]
    label: int = -1


class Moment(NamedTuple):
    """How far training is, for losses that change in its course.

    Attributes:
        update: the number of this update, from 0.
        updates: those of the whole training.
        epoch: the epoch of this update, from 1.
    """

    update: int
    updates: int
    epoch: int


class Losses(NamedTuple):
    """The loss to minimise, and its parts for the history; in nats."""

    total: Tensor
    parts: Mapping[str, Tensor]


@dataclass(frozen=True)
class Context:
    """What a method is built from, besides its own settings."""

    run: Run
    languages: LanguageParams
    backbone: Backbone
    pieces: Pieces

    def cloze(self, prompt_length: int, *, words: tuple[str, str] = ("", "")) -> ClozeTemplate:
        """Return the template of Eq. 1 with the run's position and maximum length.

        `words` stand before the hypothesis and after its question mark.
        """
        return ClozeTemplate(
            self.pieces,
            position=self.run.template.position,
            prompt_length=prompt_length,
            words=words,
            max_length=self.run.training.max_length,
        )

    @property
    def inputs(self) -> dict[str, Path]:
        """The files and folders that the run declares, by name; `streams` may read them.

        `mpt check` builds methods before earlier stages have made such files.
        """
        return {name: Path(path) for name, path in self.run.inputs.items()}

    def place(self, block: str, key: str) -> str:
        """Return where params.yaml sets a key: in the run's own entry or in a common block."""
        return self.run.place(block, key)


class Method(nn.Module, ABC):
    """A way to learn from k labelled pairs per label and to predict in every language.

    A file in pipeline/methods/ defines `Settings`, the method's own keys in params.yaml, and
    `Model`, a Method built as `Model(context, settings)`. It defines losses and label_logits; the
    other methods have defaults for one row per pair, made by `template` in every language.

    Attributes:
        template: of the rows.
        needs_head: whether it reads logits of the backbone. If not, the backbone loses its head,
            or may have none (`head: none`).
    """

    template: Template
    needs_head: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.run, self.languages, self.inputs = context.run, context.languages, context.inputs
        self.backbone, self.pieces = context.backbone, context.pieces
        longest, training = context.backbone.max_length, context.run.training
        if training.max_length > longest:
            raise InputError(
                f"{context.place('training', 'max_length')}: expected at most the backbone's "
                f"{longest} tokens, found {training.max_length}"
            )
        if training.known_epochs is not None:
            context.run.require_epochs(training.known_epochs)
        if not self.needs_head:
            self.backbone.drop_head()
        elif not self.backbone.has_head:
            raise InputError(
                f"params.yaml: methods.{self.run.name}: expected only methods without label words "
                f"(such as ft) on a backbone with head: none, found {self.run.method}"
            )
        self._prepare_backbone(context)

    def _prepare_backbone(self, context: Context) -> None:
        """Leave the backbone's weights, gradients and states as the run's training wants them."""
        training = context.run.training
        if training.trainable != "all":
            frozen = self.backbone if training.trainable == "prompt" else self.backbone.words
            frozen.requires_grad_(requires_grad=False)
        if training.weights == "bfloat16":
            self.backbone.round_weights()
        if training.checkpointing:
            self.backbone.recompute_layers(place=context.place("training", "checkpointing"))

    @classmethod
    def reads(cls, settings: Any) -> tuple[str, ...]:  # noqa: ANN401
        """Return the names of the inputs that a run with these settings must declare.

        It may declare no others. By default there are none.
        """
        del settings
        return ()

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    @property
    def precision(self) -> str:
        """The run's precision: float32 or bfloat16."""
        return self.run.training.precision

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Put rows into a batch on the method's device."""
        return collate(rows, pad=self.pieces.pad, device=self.device)

    def labels(self, examples: Sequence[Example]) -> Tensor:
        """Return the labels of examples, [B]."""
        return self.tensor([example.label for example in examples])

    def tensor(self, numbers: Sequence[int]) -> Tensor:
        """Return whole numbers on the method's device, [N], without waiting for a GPU."""
        return self.placed(torch.tensor(numbers))

    def placed(self, values: Tensor) -> Tensor:
        """Return values of the CPU on the method's device, without waiting for a GPU."""
        (placed,) = moved(self.device, values)
        return placed

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return what training draws from, by names that the method chooses.

        By default these are the rows of the labelled pairs, as `labelled`. No stream may be empty.
        `generator` is for the method's own draws.
        """
        del generator
        premises, hypotheses, labels = zip(*text.labelled, strict=True)
        rows = self.template.rows(premises, hypotheses)
        return {"labelled": [Example((row,), n) for row, n in zip(rows, labels, strict=True)]}

    @abstractmethod
    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Return the losses of one update, given a batch of each stream, or of only one.

        They are sums of means, each over the examples of one stream: with `rows_at_once`, a batch
        comes in parts, and what a missing stream would add is left out. A method whose losses are
        no such sums refuses `rows_at_once` when it is built. They may depend on the
        moment: terms may begin, end or change their weight in the course of training.
        """

    def rate_of(self, name: str) -> float:
        """Return the factor on the learning rate of a parameter, named as in named_parameters."""
        del name
        return 1.0

    def reading(self, language: str) -> Reading:
        """Return the template of a language and the index of the soft prompt in its slots."""
        del language
        return Reading(self.template)

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, language: str
    ) -> list[Row]:
        """Return the rows that classify sentence pairs in a language."""
        template, prompt = self.reading(language)
        return template.rows(premises, hypotheses, prompt=prompt)

    @abstractmethod
    def label_logits(self, batch: Batch) -> Tensor:
        """Return a logit for each label, [B, C]; their softmax is the prediction.

        A further column, [B, C + 1], is the largest logit of all answers: where it exceeds those
        of the labels, no label is predicted.

        Several threads call it at once, so it must not change the method.
        """

    def prompts(self) -> dict[str, Tensor]:
        """Return the learned soft prompts by name, each [m, d]; none by default."""
        return {}

    def readings(self) -> dict[str, Reading]:
        """Return the template and soft prompt of every language."""
        return {code: self.reading(code) for code in self.languages.all}

    def exported(self) -> Exported:
        """Return what an exported model keeps beside the backbone's weights.

        Raises:
            InputError: the method's file does not say so.
        """
        raise InputError(
            f"pipeline/methods/{self.run.method}.py: expected a function `exported` of its model "
            f"for mpt export, found none"
        )

    def notes(self) -> Mapping[str, Any]:
        """Return facts for `notes` in metrics.json, such as what was left out; none by default."""
        return {}


class WordMethod(Method):
    """A method that predicts by the logits of its label words at the mask (Eq. 2).

    They compete with each other, or with the whole vocabulary, as the run's `predict_over` says.
    """

    word_ids: Tensor

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        words = context.run.template.label_words
        ids = label_word_ids(context.pieces, words, place=context.place("template", "verbalizer"))
        self.register_buffer("word_ids", torch.tensor(ids), persistent=False)

    def soft_prompts(self) -> Tensor | None:
        """Return the soft prompts that fill slots, [P, m, d]; none by default."""
        return None

    def logits(self, batch: Batch, words: Tensor | None = None) -> Tensor:
        """Return the logits at each row's mask, [B, V], or only those of `words`, [B, C].

        Rows that are read at several positions have as many logits: R in all, not B.
        """
        return self.backbone.logits(self.backbone.states(batch, self.soft_prompts()), words)

    def label_logits(self, batch: Batch) -> Tensor:
        """Return the logits of the label words, [B, C]; others are computed only if they compete.

        Then the largest logit of the vocabulary follows, [B, C + 1].
        """
        if self.run.template.predict_over == "label_words":
            return self.logits(batch, self.word_ids)
        logits = self.logits(batch)
        return torch.cat([logits[:, self.word_ids], logits.amax(-1, keepdim=True)], dim=-1)

    def answers(self) -> dict[str, Answers]:
        """Return the words that answer the rows of each language, by default the run's."""
        words = {self.languages.source: [[number] for number in self.word_ids.tolist()]}
        over = self.run.template.predict_over
        return dict.fromkeys(self.languages.all, answers_of(self.pieces, words, over=over))

    def exported(self) -> Exported:
        """Return the templates, soft prompts and answers.

        It fits a method that makes rows by `reading` and answers by `answers`.
        """
        prompts = self.soft_prompts()
        vectors = () if prompts is None else prompts
        by_name = dict(zip(self.prompts(), vectors, strict=True))
        return Exported(self.readings(), self.answers(), by_name)
