"""SP, soft prompting (Zhao & Schuetze 2021): one prompt, learned in the source language."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from pipeline.backbone.rows import Row
from pipeline.methods.base import (
    Context,
    Example,
    Losses,
    TrainingText,
    WordMethod,
    labelled_examples,
)
from pipeline.params.strict import Strictly
from pipeline.prompting.losses import vocabulary_cross_entropy
from pipeline.prompting.soft_prompt import SoftPrompt


class Settings(Strictly):
    """SP's keys in params.yaml: m, and what the cross-entropy is over.

    A key that is left out has the authors' value.
    """

    prompt_length: Annotated[int, Field(ge=1)] = 4
    ce_over: Literal["vocabulary", "label_words"] = "label_words"


class Model(WordMethod):
    """The same soft prompt in every language; Eq. 1 to 3."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.prompt = SoftPrompt(settings.prompt_length, context.backbone.hidden_size)
        self.ce_over = settings.ce_over
        self.template = context.cloze(settings.prompt_length)

    def soft_prompts(self) -> Tensor:
        """Return the prompt, [1, m, d]."""
        prompt: Tensor = self.prompt()
        return prompt[None]

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs; see Method.streams."""
        del generator
        return {"labelled": labelled_examples(self.template, text.labelled)}

    def losses(self, drawn: Mapping[str, Sequence[Example]]) -> Losses:
        """Eq. 3: cross-entropy at the mask."""
        batch = self.collate([one.rows[0] for one in drawn["labelled"]])
        labels = self.labels(drawn["labelled"])
        if self.ce_over == "label_words":
            loss = functional.cross_entropy(self.label_logits(batch), labels)
        else:
            loss = vocabulary_cross_entropy(self.logits(batch), labels, word_ids=self.word_ids)
        return Losses(loss, {"ce": loss})

    def rows(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, language: str
    ) -> list[Row]:
        """Return the cloze of Eq. 1, the same in every language."""
        del language
        return self.template.rows(premises, hypotheses)

    def prompts(self) -> dict[str, Tensor]:
        """Return the soft prompt, [m, d]."""
        return {"prompt": self.soft_prompts()[0]}
