"""DP, discrete prompting (Zhao & Schuetze 2021): a cloze with two English words."""

from pipeline.params.runs import Text
from pipeline.params.strict import Strictly
from pipeline.training.cloze import Answers, ClozeMethod
from pipeline.training.method import Context


class Settings(Strictly):
    """DP's keys in params.yaml, by default with the authors' values."""

    question: Text = "Question:"
    answer: Text = "Answer:"
    ce_over: Answers = "label_words"


class Model(ClozeMethod):
    """`<s> premise . Question: hypothesis ? Answer: <mask> . </s>`, the words always in English."""

    def __init__(self, context: Context, settings: Settings) -> None:
        words = settings.question, settings.answer
        super().__init__(context, ce_over=settings.ce_over, words=words)
