"""The backbone as it is: the cloze of Eq. 1 without a prompt, for runs with `epochs: 0`."""

from collections.abc import Mapping, Sequence

from torch.nn import functional

from pipeline.params.strict import Strictly
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod


class Settings(Strictly):
    """The cloze has no parameters of its own."""


class Model(WordMethod):
    """`<s> premise . hypothesis ? <mask> . </s>`, in every language.

    What the other methods add shows only beside this. With more epochs it is SP without a prompt.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        del settings
        self.template = context.cloze(prompt_length=0)

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Cross-entropy over the label words, in nats, mean over examples."""
        del moment
        batch = self.collate([example.rows[0] for example in drawn["labelled"]])
        labels = self.labels(drawn["labelled"])
        loss = functional.cross_entropy(self.label_logits(batch), labels)
        return Losses(loss, {"ce": loss})
