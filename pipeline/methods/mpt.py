"""MPT, the Multilingual Prompt Translator (Qiu et al. 2024)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from pipeline.backbone.slots import full_precision
from pipeline.errors import InputError
from pipeline.params.strict import Strictly
from pipeline.prompting.losses import CROSS_ENTROPIES, info_nce, symmetric_kl
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.prompting.translator import Translator, make_translator
from pipeline.training.exported import Reading
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod
from pipeline.training.text import TrainingText

SOURCE, TARGET = 0, 1
"""The indices of p^S and p^T among the prompts that fill slots."""


class Settings(Strictly):
    """MPT's keys in params.yaml, by default with the paper's values."""

    prompt_length: Annotated[int, Field(ge=1)] = 4  # m
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5  # the weight of the cross-entropy in Eq. 8
    translator: Translator = "linear-2"  # of Eq. 4, or none: p^T is a soft prompt of its own
    ce_over: Literal["vocabulary", "label_words"] = "vocabulary"
    source_prompt_for_source: bool = True  # test text in the source language gets p^S, not p^T
    alignment: Literal["kl", "contrastive"] = "kl"  # Eq. 7, or InfoNCE in its place
    temperature: Annotated[float, Field(gt=0)] = 0.05  # of the contrastive alignment: CoLAP's

    @model_validator(mode="after")
    def _temperature_is_read(self) -> Self:
        if self.alignment == "kl" and "temperature" in self.model_fields_set:
            raise ValueError(
                f"temperature: expected no such key with alignment: kl, found {self.temperature}"
            )
        return self


class Model(WordMethod):
    """A source prompt learned by Eq. 3, translated by Eq. 4, aligned by Eq. 7, summed by Eq. 8."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        if settings.alignment == "contrastive" and (rows := context.run.training.rows_at_once):
            raise InputError(
                f"{context.place('training', 'rows_at_once')}: expected none with alignment: "
                f"contrastive, whose negatives are the whole batch, found {rows} "
                f"(run {context.run.name})"
            )
        self.settings = settings
        length, size = settings.prompt_length, context.backbone.embedding_size
        self.prompt = SoftPrompt(length, size)
        self.translator = make_translator(settings.translator, length=length, hidden_size=size)
        self.cross_entropy = CROSS_ENTROPIES[settings.ce_over]
        self.template = context.cloze(length)

    def soft_prompts(self) -> Tensor:
        """Return p^S and p^T, [2, m, d]."""
        source = self.prompt()
        with full_precision(self.device):
            return torch.stack([source, self.translator(source)])

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs with p^S, and the parallel pairs with p^S and p^T (Eq. 5)."""
        pairs = text.parallel
        source = self.template.rows([p.premise for p in pairs], [p.hypothesis for p in pairs])
        target = self.template.rows(
            [p.target_premise for p in pairs], [p.target_hypothesis for p in pairs], prompt=TARGET
        )
        examples = [Example(rows) for rows in zip(source, target, strict=True)]
        return {**super().streams(text, generator), "pairs": examples}

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Eq. 8: alpha times Eq. 3 plus 1 - alpha times the alignment, in nats.

        A term of weight zero is left out, so that nothing learns from it.
        """
        del moment
        alpha, contrastive = self.settings.alpha, self.settings.alignment == "contrastive"
        labelled = drawn.get("labelled", ()) if alpha > 0 else ()
        pairs = drawn.get("pairs", ()) if alpha < 1 else ()
        rows = [example.rows[0] for example in labelled]
        rows += [example.rows[side] for side in (SOURCE, TARGET) for example in pairs]
        total = self.word_ids.new_zeros((), dtype=torch.float32)
        parts: dict[str, Tensor] = {}
        if not rows:
            return Losses(total, parts)
        number = len(labelled)
        states = self.backbone.states(self.collate(rows), self.soft_prompts())
        # Only Eq. 7 reads logits of the pairs.
        logits = self.backbone.logits(states[:number] if contrastive else states)
        if labelled:
            parts["ce"] = self.cross_entropy(
                logits[:number], self.labels(labelled), word_ids=self.word_ids
            )
            total = total + alpha * parts["ce"]
        if pairs:
            name = "infonce" if contrastive else "kld"
            parts[name] = self._contrast(states[number:]) if contrastive else _kl(logits[number:])
            total = total + (1 - alpha) * parts[name]
        return Losses(total, parts)

    def _contrast(self, states: Tensor) -> Tensor:
        """Return InfoNCE of the last layer's states at the mask, sources then targets, [2B, d].

        CoLAP takes those of layer 9 of 12. Eq. 7 reads the last, so only the loss differs here.
        """
        with full_precision(self.device):
            source, target = states.to(self.backbone.words.weight.dtype).chunk(2)
            return info_nce(source, target, temperature=self.settings.temperature)

    def reading(self, language: str) -> Reading:
        """Return the cloze of Eq. 1 with p^T, or with p^S in the source language.

        With alpha = 1 the translator has learned nothing, so every language gets p^S.
        """
        is_source = language == self.languages.source and self.settings.source_prompt_for_source
        prompt = SOURCE if is_source or self.settings.alpha == 1 else TARGET
        return Reading(self.template, prompt)

    def prompts(self) -> dict[str, Tensor]:
        """Return p^S and p^T, [m, d] each."""
        source, target = self.soft_prompts()
        return {"source": source, "target": target}


def _kl(logits: Tensor) -> Tensor:
    """Return Eq. 7 of logits at the mask, sources then targets, [2B, V]."""
    source, target = logits.log_softmax(-1).chunk(2)
    return symmetric_kl(source, target)
