"""Hard prompts: a question in plain words; at first only the label words compete, then all."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from pipeline.backbone.tokens import Pieces, ids_of
from pipeline.params.strict import Strictly
from pipeline.prompting.forms import strip_punctuation
from pipeline.prompting.losses import CROSS_ENTROPIES
from pipeline.prompting.template import Template
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod


class Settings(Strictly):
    """The method's key in params.yaml: the share of updates over only the label words."""

    over_label_words: Annotated[float, Field(ge=0, le=1)] = 0.5


class HardTemplate(Template):
    """`<s> premise . Question: hypothesis ? Answer: <mask> . </s>`."""

    forms = (strip_punctuation, strip_punctuation)

    def __init__(self, pieces: Pieces, *, max_length: int) -> None:
        frame, dot = pieces.frame, pieces.word(".")
        to_mask = pieces.word("?") + pieces.word("Answer:")
        after = to_mask + ids_of([pieces.mask]) + dot + frame.end
        fixed = frame.start, dot + pieces.word("Question:"), after
        super().__init__(pieces, fixed, read_at=(2, len(to_mask)), max_length=max_length)


class Model(WordMethod):
    """The same template in every language."""

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.settings = settings
        self.template = HardTemplate(context.pieces, max_length=context.run.training.max_length)

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Cross-entropy at the mask, in nats, over the label words and later the vocabulary."""
        starts = moment.update < self.settings.over_label_words * moment.updates
        over = "label_words" if starts else "vocabulary"
        logits = self.logits(self.collate([example.rows[0] for example in drawn["labelled"]]))
        labels = self.labels(drawn["labelled"])
        loss = CROSS_ENTROPIES[over](logits, labels, word_ids=self.word_ids)
        return Losses(loss, {f"ce_{over}": loss})
