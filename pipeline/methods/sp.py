"""SP, soft prompting (Zhao & Schuetze 2021): one prompt, learned in the source language."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from pipeline.methods.base import Context, Example, Losses, TrainingText, WordMethod
from pipeline.prompting.losses import CROSS_ENTROPIES
from pipeline.prompting.rows import Row
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.prompting.template import ClozeTemplate
from pipeline.strict import Strictly


class Settings(Strictly):
    """SP's keys in params.yaml: m, and what the cross-entropy is over."""

    prompt_length: Annotated[int, Field(ge=1)]
    ce_over: Literal["vocabulary", "label_words"]


class Model(WordMethod):
    """The same soft prompt in every language; Eq. 1 to 3."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.prompt = SoftPrompt(settings.prompt_length, context.backbone.hidden_size)
        self.cross_entropy = CROSS_ENTROPIES[settings.ce_over]
        self.template = ClozeTemplate(
            context.pieces,
            position=context.run.template.position,
            prompt_length=settings.prompt_length,
            max_length=context.run.training.max_length,
        )

    def soft_prompts(self) -> Tensor:
        """Return the prompt, [1, m, d]."""
        prompt: Tensor = self.prompt()
        return prompt[None]

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs; see Method.streams."""
        del generator
        rows = self.template.rows(
            [one.premise for one in text.labelled], [one.hypothesis for one in text.labelled]
        )
        labels = [one.label for one in text.labelled]
        return {"labelled": [Example((r,), y) for r, y in zip(rows, labels, strict=True)]}

    def losses(self, drawn: Mapping[str, Sequence[Example]]) -> Losses:
        """Eq. 3: cross-entropy at the mask."""
        batch = self.collate([one.rows[0] for one in drawn["labelled"]])
        labels = torch.tensor([one.label for one in drawn["labelled"]], device=self.device)
        loss = self.cross_entropy(self.logits(batch), labels, word_ids=self.word_ids)
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
