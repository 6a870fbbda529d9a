"""UP, universal prompting (Zhou et al. 2023): a template without a word of any language."""

from pipeline.params.strict import Strictly
from pipeline.prompting.template import UniversalTemplate
from pipeline.training.cloze import Answers, ClozeMethod
from pipeline.training.method import Context


class Settings(Strictly):
    """UP's key in params.yaml, by default as in the authors' code."""

    ce_over: Answers = "vocabulary"


class Model(ClozeMethod):
    """`<s> premise . </s> hypothesis ? <mask> . </s>`, answered in the source language."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context, ce_over=settings.ce_over)
        max_length = context.run.training.max_length
        self.template = UniversalTemplate(context.pieces, max_length=max_length)
