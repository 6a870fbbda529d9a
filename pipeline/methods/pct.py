"""PCT (Qi et al. 2022): question templates in two languages, whose answers are made consistent."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch

from pipeline.params.strict import Strictly
from pipeline.prompting.losses import symmetric_kl, vocabulary_cross_entropy
from pipeline.prompting.template import GluedTemplate, QuestionTemplate
from pipeline.training.exported import Reading
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod
from pipeline.training.text import TrainingText


class Settings(Strictly):
    """PCT's key in params.yaml: the template as in the paper, or as in the authors' code.

    Its three losses weigh 1, 1 and 1.
    """

    form: Literal["template", "released"] = "template"


class Model(WordMethod):
    """Each example with the source language's template and with a target language's.

    The sentences stay in the source language; only the two literal words are translated. The
    released few-shot script never reads a label; this is what its full-data script computes.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        make = GluedTemplate if settings.form == "released" else QuestionTemplate
        max_length = context.run.training.max_length
        self.templates = {
            code: make(context.pieces, language=code, max_length=max_length)
            for code in context.languages.all
        }

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs in two templates, the second in a random target language."""
        targets = self.languages.targets
        drawn = torch.randint(len(targets), (len(text.labelled),), generator=generator).tolist()
        examples = []
        for pair, number in zip(text.labelled, drawn, strict=True):
            rows = [
                self.templates[code].rows([pair.premise], [pair.hypothesis])[0]
                for code in (self.languages.source, targets[number])
            ]
            examples.append(Example(tuple(rows), pair.label))
        return {"labelled": examples}

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """CE(source template) + CE(target template) + KL(p||q) + KL(q||p), over the vocabulary."""
        del moment
        examples = drawn["labelled"]
        rows = [example.rows[side] for side in (0, 1) for example in examples]
        labels = self.labels(examples)
        source, target = self.logits(self.collate(rows)).chunk(2)
        ce = vocabulary_cross_entropy(source, labels, word_ids=self.word_ids)
        ce = ce + vocabulary_cross_entropy(target, labels, word_ids=self.word_ids)
        kld = symmetric_kl(source.log_softmax(-1), target.log_softmax(-1))
        return Losses(ce + kld, {"ce": ce, "kld": kld})

    def reading(self, language: str) -> Reading:
        """Return the language's question template."""
        return Reading(self.templates[language])
