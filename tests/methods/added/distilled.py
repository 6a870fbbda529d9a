"""The cloze without a prompt, taught by a second model, whose folder is a declared input."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from pipeline.backbone.checkpoint import load_backbone
from pipeline.params.strict import Strictly
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod
from pipeline.training.text import TrainingText


class Settings(Strictly):
    """The method's key in params.yaml."""

    teaching: Annotated[float, Field(ge=0)] = 0.5  # the weight of the teacher's answers


class Model(WordMethod):
    """Cross-entropy over the label words plus the divergence from the teacher's answers."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.settings, self.template = settings, context.cloze(prompt_length=0)

    @classmethod
    def reads(cls, settings: Settings) -> tuple[str, ...]:
        """Return `teacher`, a backbone with the same pieces."""
        del settings
        return ("teacher",)

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs; the teacher is loaded here, since now it is there."""
        # In a tuple, so that torch does not take the teacher's weights for the method's own.
        self.teachers = (load_backbone(self.inputs["teacher"]).to(self.device),)
        return super().streams(text, generator)

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """The sum of both losses, in nats, means over examples."""
        del moment
        batch, (teacher,) = self.collate([e.rows[0] for e in drawn["labelled"]]), self.teachers
        logits = self.logits(batch, self.word_ids)
        with torch.no_grad():
            taught = teacher.logits(teacher.states(batch), self.word_ids).to(logits.dtype)
        answers = logits.log_softmax(-1), taught.log_softmax(-1)
        ce = functional.cross_entropy(logits, self.labels(drawn["labelled"]))
        kl = functional.kl_div(*answers, log_target=True, reduction="batchmean")
        return Losses(ce + self.settings.teaching * kl, {"ce": ce, "kl": kl})
