"""SP, soft prompting (Zhao & Schuetze 2021): one prompt, learned in the source language."""

from typing import Annotated

from pydantic import Field

from pipeline.params.strict import Strictly
from pipeline.training.cloze import Answers, ClozeMethod
from pipeline.training.method import Context


class Settings(Strictly):
    """SP's keys in params.yaml, by default with the authors' values."""

    prompt_length: Annotated[int, Field(ge=1)] = 4  # m
    ce_over: Answers = "label_words"


class Model(ClozeMethod):
    """`<s> premise . hypothesis ? p1 ... pm <mask> . </s>` (Eq. 1)."""

    def __init__(self, context: Context, settings: Settings) -> None:
        length, ce_over = settings.prompt_length, settings.ce_over
        super().__init__(context, ce_over=ce_over, prompt_length=length)
