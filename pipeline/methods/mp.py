"""MP, mixed prompting (Zhao & Schuetze 2021): the words of DP and the soft prompt of SP.

The authors released no code for it; the template is that of SoftMV's code (Li et al. 2023).
"""

from typing import Annotated

from pydantic import Field

from pipeline.params.runs import Text
from pipeline.params.strict import Strictly
from pipeline.training.cloze import Answers, ClozeMethod
from pipeline.training.method import Context


class Settings(Strictly):
    """MP's keys in params.yaml."""

    question: Text = "Question:"
    answer: Text = "Answer:"
    prompt_length: Annotated[int, Field(ge=1)] = 4  # m
    ce_over: Answers = "label_words"


class Model(ClozeMethod):
    """`<s> premise . Question: hypothesis ? Answer: p1 ... pm <mask> . </s>`."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(
            context,
            ce_over=settings.ce_over,
            prompt_length=settings.prompt_length,
            words=(settings.question, settings.answer),
        )
