"""FT, fine-tuning: a classifier on the first token's state."""

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.nn import functional

from pipeline.backbone.classification import ClassificationHead
from pipeline.backbone.rows import Batch
from pipeline.backbone.slots import full_precision
from pipeline.params.runs import LABELS
from pipeline.params.strict import Strictly
from pipeline.prompting.template import PairTemplate
from pipeline.training.exported import Exported
from pipeline.training.method import Context, Example, Losses, Method, Moment


class Settings(Strictly):
    """FT has no parameters of its own."""


class Model(Method):
    """The encoder and a new head, trained on the labelled pairs."""

    needs_head = False

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        del settings
        self.head = ClassificationHead(context.backbone, len(LABELS))
        self.template = PairTemplate(context.pieces, max_length=context.run.training.max_length)

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Cross-entropy over the labels, in nats, mean over examples."""
        del moment
        batch = self.collate([example.rows[0] for example in drawn["labelled"]])
        labels = self.labels(drawn["labelled"])
        loss = functional.cross_entropy(self.label_logits(batch), labels)
        return Losses(loss, {"ce": loss})

    def label_logits(self, batch: Batch) -> Tensor:
        """Return the classifier's logits, [B, C], in full precision as those of label words."""
        states = self.backbone.states(batch)
        with full_precision(self.device):
            logits: Tensor = self.head(states.to(self.head.out_proj.weight.dtype))
        return logits

    def exported(self) -> Exported:
        """Return the classifier, which reads every language alike."""
        return Exported(self.readings(), answers={}, prompts={}, classifier=self.head)
