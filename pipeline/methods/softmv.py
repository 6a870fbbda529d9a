"""SoftMV (Li et al. 2023): soft prompt, label words of many languages, and a second view.

Each labelled pair comes twice, and the answers to both are made consistent.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from pipeline.backbone.rows import Batch
from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.params.strict import Strictly
from pipeline.prompting.label_words import LabelWords, SplitWords
from pipeline.prompting.nli import Answers
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.prompting.verbalizer import language_word_ids
from pipeline.training.exported import answers_of
from pipeline.training.method import Context, Example, Losses, Moment, TrainingText, WordMethod


class Settings(Strictly, serialize_by_alias=True):
    """SoftMV's keys in params.yaml, by default with the authors' values.

    `copy` is the second view of a pair: the pair itself, seen through other dropout (`none`), or
    its translation, for runs with `pairs: xnli`. The authors' third, words replaced by those of a
    dictionary, is not here.
    """

    prompt_length: Annotated[int, Field(ge=1)] = 4  # m
    label_words: LabelWords = "zhao-schuetze"
    pieces: SplitWords = "last"
    # pydantic has a method of this name.
    view: Annotated[Literal["none", "translation"], Field(alias="copy")] = "none"
    consistency: Annotated[float, Field(ge=0)] = 0.3  # the weight of the KL divergence


class Model(WordMethod):
    """SP's template, and a verbalizer that is the mean over languages in every language."""

    verbalizer_ids: Tensor
    shares: Tensor

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.settings = settings
        if settings.view == "translation" and context.run.parallel.pairs != "xnli":
            raise InputError(
                f"params.yaml: methods.{context.run.name}.pairs: expected xnli with "
                f"copy: translation, found {context.run.parallel.pairs}"
            )
        self.prompt = SoftPrompt(settings.prompt_length, context.backbone.hidden_size)
        self.template = context.cloze(settings.prompt_length)
        place = f"params.yaml: methods.{context.run.name}.label_words"
        self._words = language_word_ids(
            context.pieces, settings.label_words, split_words=settings.pieces, place=place
        )
        by_language = self._words.ids.values()
        ids = [number for row in by_language for several in row for number in several]
        # The mean over a language's words for a label, then over languages, [words, C].
        shares = [
            [(label == other) / len(several) / len(by_language) for other in range(len(LABELS))]
            for row in by_language
            for label, several in enumerate(row)
            for _ in several
        ]
        self.register_buffer("verbalizer_ids", torch.tensor(ids), persistent=False)
        self.register_buffer("shares", torch.tensor(shares), persistent=False)

    def soft_prompts(self) -> Tensor:
        """Return the prompt, [1, m, d]."""
        prompt: Tensor = self.prompt()
        return prompt[None]

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs in two views."""
        labelled = super().streams(text, generator)["labelled"]
        if self.settings.view == "none":
            second = [example.rows[0] for example in labelled]
        else:
            translated = {
                (pair.premise, pair.hypothesis): (pair.target_premise, pair.target_hypothesis)
                for pair in text.parallel
            }
            views = [translated[pair.premise, pair.hypothesis] for pair in text.labelled]
            second = self.template.rows(*zip(*views, strict=True))
        return {
            "labelled": [
                Example((example.rows[0], row), example.label)
                for example, row in zip(labelled, second, strict=True)
            ]
        }

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """CE(view 1) + CE(view 2) + 0.3 KL(view 2 || view 1), over the labels, in nats."""
        del moment
        examples = drawn["labelled"]
        rows = [example.rows[side] for side in (0, 1) for example in examples]
        first, second = self.label_logits(self.collate(rows)).log_softmax(-1).chunk(2)
        labels = self.labels(examples)
        ce = functional.nll_loss(first, labels) + functional.nll_loss(second, labels)
        kld = functional.kl_div(first, second, reduction="batchmean", log_target=True)
        return Losses(ce + self.settings.consistency * kld, {"ce": ce, "kld": kld})

    def label_logits(self, batch: Batch) -> Tensor:
        """Return the mean of the logits of a label's words over languages, [B, C]."""
        logits = self.logits(batch, self.verbalizer_ids)
        return (logits[..., None] * self.shares).sum(1)  # a product would round under autocast

    def answers(self) -> dict[str, Answers]:
        """Return the words of all languages, in every language."""
        return dict.fromkeys(self.languages.all, answers_of(self.pieces, self._words.ids))

    def prompts(self) -> dict[str, Tensor]:
        """Return the soft prompt, [m, d]."""
        return {"prompt": self.soft_prompts()[0]}

    def notes(self) -> dict[str, Any]:
        """Return the languages whose label words share a piece, if there are any."""
        return self._words.notes()
