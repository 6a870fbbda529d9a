"""SP, soft prompting (Zhao & Schuetze 2021): one prompt, learned in the source language."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from pipeline.params.strict import Strictly
from pipeline.prompting.losses import vocabulary_cross_entropy
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod


class Settings(Strictly):
    """SP's keys in params.yaml, by default with the authors' values."""

    prompt_length: Annotated[int, Field(ge=1)] = 4  # m
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

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Eq. 3: cross-entropy at the mask, in nats, mean over examples."""
        del moment
        batch = self.collate([example.rows[0] for example in drawn["labelled"]])
        labels = self.labels(drawn["labelled"])
        if self.ce_over == "label_words":
            loss = functional.cross_entropy(self.logits(batch, self.word_ids), labels)
        else:
            loss = vocabulary_cross_entropy(self.logits(batch), labels, word_ids=self.word_ids)
        return Losses(loss, {"ce": loss})

    def prompts(self) -> dict[str, Tensor]:
        """Return the soft prompt, [m, d]."""
        return {"prompt": self.soft_prompts()[0]}
