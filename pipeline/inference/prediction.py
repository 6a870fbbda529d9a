"""Sentence pairs -> labels and probabilities, as in evaluation."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from pipeline.backbone.rows import Row
from pipeline.inference.model import ExportedModel
from pipeline.params.runs import LABELS
from pipeline.progress import Progress, silent
from pipeline.training.prediction import predict_rows, predicted


class Judged(NamedTuple):
    """What a model says about N pairs, in their order.

    Attributes:
        predicted: label ids, -1 for no label, [N].
        probabilities: of each label, [N, C].
        cut: how many of the pairs were longer than the maximum length.
    """

    predicted: Tensor
    probabilities: Tensor
    cut: int


def judge(
    model: ExportedModel,
    pairs: Sequence[tuple[str, str]],
    languages: Sequence[str],
    *,
    threads: int = 1,
    progress: Progress = silent,
) -> Judged:
    """Predict pairs of premise and hypothesis, each in its language; at least one.

    Args:
        model: in evaluation mode.
        pairs: premises and hypotheses.
        languages: of each pair, one of the model's.
        threads: how many batches to predict at once.
        progress: called after each batch.
    """
    rows: dict[int, Row] = {}
    cut = 0
    for code in dict.fromkeys(languages):
        template = model.templates[code]
        own = [at for at, language in enumerate(languages) if language == code]
        premises, hypotheses = zip(*(pairs[at] for at in own), strict=True)
        for at, pair in zip(own, template.pairs(premises, hypotheses), strict=True):
            rows[at] = model.row(pair, language=code)
            cut += template.is_cut(pair)
    in_order = [rows[at] for at in range(len(pairs))]
    judged = predict_rows(model, in_order, threads=threads, progress=progress)
    return Judged(predicted(judged), judged[:, : len(LABELS)], cut)
