"""A method that learns from the labelled pairs at the mask of a cloze (Eq. 1 to 3)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor
from torch.nn import functional

from pipeline.prompting.losses import vocabulary_cross_entropy
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod

Answers = Literal["vocabulary", "label_words"]
"""What the label word competes with in the cross-entropy."""


class ClozeMethod(WordMethod):
    """The same cloze in every language: hard words, a soft prompt, both or neither.

    Args:
        context: what methods are built from.
        ce_over: what the label word competes with.
        prompt_length: m; without a prompt, 0.
        words: what stands before the hypothesis and after its question mark.
    """

    def __init__(
        self,
        context: Context,
        *,
        ce_over: Answers,
        prompt_length: int = 0,
        words: tuple[str, str] = ("", ""),
    ) -> None:
        super().__init__(context)
        size = context.backbone.embedding_size
        self.prompt = SoftPrompt(prompt_length, size) if prompt_length else None
        self.ce_over = ce_over
        self.template = context.cloze(prompt_length, words=words)

    def soft_prompts(self) -> Tensor | None:
        """Return the prompt, [1, m, d]; None without one."""
        if self.prompt is None:
            return None
        prompt: Tensor = self.prompt()
        return prompt[None]

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Eq. 3: cross-entropy at the mask, in nats, mean over examples."""
        del moment
        batch = self.collate([example.rows[0] for example in drawn["labelled"]])
        labels = self.labels(drawn["labelled"])
        if self.ce_over == "label_words":
            loss = functional.cross_entropy(self.logits(batch, self.word_ids), labels)
        else:
            loss = vocabulary_cross_entropy(self.logits(batch), labels, word_ids=self.word_ids)
        return Losses(loss, {"ce": loss})

    def prompts(self) -> dict[str, Tensor]:
        """Return the soft prompt, [m, d], if there is one."""
        prompts = self.soft_prompts()
        return {} if prompts is None else {"prompt": prompts[0]}
