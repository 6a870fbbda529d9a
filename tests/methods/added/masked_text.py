"""The cloze without a prompt, and masked language modelling on a declared unlabelled text."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from pipeline.backbone.rows import Row
from pipeline.params.strict import Strictly
from pipeline.prompting.losses import vocabulary_cross_entropy
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod
from pipeline.training.text import TrainingText


class Settings(Strictly):
    """The method's keys in params.yaml."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.3  # of a sentence's tokens, which are masked
    embedding_rate: Annotated[float, Field(gt=0)] = 0.1  # the embeddings' factor on the rate


class Model(WordMethod):
    """Cross-entropy on the labelled pairs plus masked language modelling on other sentences."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.settings, self.template = settings, context.cloze(prompt_length=0)

    @classmethod
    def reads(cls, settings: Settings) -> tuple[str, ...]:
        """Return `unlabelled`, a file with a sentence on each line."""
        del settings
        return ("unlabelled",)

    def rate_of(self, name: str) -> float:
        """Return the factor on a parameter's learning rate."""
        return self.settings.embedding_rate if "embeddings" in name else 1.0

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs, and each unlabelled sentence masked and whole."""
        sentences = self.inputs["unlabelled"].read_text(encoding="utf-8").splitlines()
        frame, examples = self.pieces.frame, []
        start, room = len(frame.start), self.run.training.max_length - len(frame.start + frame.end)
        for ids in filter(None, self.pieces.of(sentences)):
            whole, length = frame.start + ids[:room] + frame.end, min(len(ids), room)
            order = torch.randperm(length, generator=generator) + start
            read_at = tuple(order[: max(1, round(self.settings.share * length))].tolist())
            masked = whole[:]
            for position in read_at:
                masked[position] = self.pieces.mask
            examples.append(Example((Row(masked, read_at), Row(whole, read_at))))
        return {**super().streams(text, generator), "sentences": examples}

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """The sum of both losses, in nats, from one forward pass."""
        del moment
        labelled, sentences = drawn.get("labelled", ()), drawn.get("sentences", ())
        rows = [example.rows[0] for example in (*labelled, *sentences)]
        at_labels, inside = self.logits(self.collate(rows)).tensor_split([len(labelled)])
        parts: dict[str, Tensor] = {}
        if labelled:
            labels = self.labels(labelled)
            parts["ce"] = vocabulary_cross_entropy(at_labels, labels, word_ids=self.word_ids)
        if sentences:
            wholes = [example.rows[1] for example in sentences]
            targets = self.tensor([row.ids[at] for row in wholes for at in row.positions])
            losses = functional.cross_entropy(inside, targets, reduction="none")
            means = [part.mean() for part in losses.split([len(row.positions) for row in wholes])]
            parts["mlm"] = torch.stack(means).mean()
        return Losses(torch.stack([*parts.values()]).sum(), parts)
