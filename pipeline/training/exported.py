"""What of a trained method an exported model keeps, besides the backbone."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from pipeline.backbone.tokens import Pieces, ids_of
from pipeline.prompting.nli import Answers, Combination, words_by_label
from pipeline.prompting.template import Template


class Reading(NamedTuple):
    """How pairs of a language become rows: the template, and the soft prompt in its slots."""

    template: Template
    prompt: int = 0


class Exported(NamedTuple):
    """A trained method, taken apart.

    Attributes:
        readings: by language.
        answers: by language, the words that answer; none for a classifier.
        prompts: the soft prompts by name, [m, d] each, in the order of their indices.
        classifier: on the state that is read, in place of the language model's head.
    """

    readings: Mapping[str, Reading]
    answers: Mapping[str, Answers]
    prompts: Mapping[str, Tensor]
    classifier: nn.Module | None = None


def answers_of(
    pieces: Pieces,
    words: Mapping[str, Sequence[Sequence[int]]],
    *,
    several: Combination = "mean",
    across: Combination = "mean",
    over: str = "label_words",
) -> Answers:
    """Return answers by words, given as ids by their language in the order of the label ids."""
    by_language = {
        code: words_by_label([zip(pieces.shown(ids_of(ids)), ids, strict=True) for ids in labels])
        for code, labels in words.items()
    }
    return Answers.model_validate(
        {"words": by_language, "several": several, "across": across, "over": over}
    )
