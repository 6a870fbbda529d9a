"""The backbone as it is: the cloze of Eq. 1 without a prompt, for runs with `epochs: 0`."""

from pipeline.params.strict import Strictly
from pipeline.training.cloze import ClozeMethod
from pipeline.training.method import Context


class Settings(Strictly):
    """The cloze has no parameters of its own."""


class Model(ClozeMethod):
    """`<s> premise . hypothesis ? <mask> . </s>`, in every language.

    What the other methods add shows only beside this. With more epochs it is SP without a prompt.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        del settings
        super().__init__(context, ce_over="label_words")
