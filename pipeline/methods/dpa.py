"""DPA (Zhou et al. 2023): UP with answers in many languages and with mixtures of examples."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.distributions import Beta

from pipeline.backbone.rows import Batch
from pipeline.errors import InputError
from pipeline.params.runs import LABELS
from pipeline.params.strict import Strictly
from pipeline.prompting.label_words import LabelWords, SplitWords
from pipeline.prompting.nli import Combination
from pipeline.prompting.template import UniversalTemplate
from pipeline.prompting.verbalizer import LanguageWords, language_word_ids
from pipeline.training.exported import Exported, Reading, answers_of
from pipeline.training.method import Context, Example, Losses, Method, Moment

Rule = Literal["source", "max", "sum", "own"]
"""Whose words answer: the source language's, those of the largest logit, all, or the row's own."""


class Settings(Strictly):
    """DPA's keys in params.yaml, by default with the authors' values."""

    label_words: LabelWords = "dpa"
    pieces: SplitWords = "last"
    mixture: Annotated[float, Field(ge=0)] = 1.2  # a of lambda ~ Beta(a, a); 0: no mixtures
    predict: Rule = "source"


def word_scores(logits: Tensor, word_ids: Tensor) -> Tensor:
    """Return the logit of each label in each language from those of its words, [R, L, C].

    `logits`, [R, L, C, S], and `word_ids`, [L, C, S], hold S words at most; the id is -1 after the
    last. Several words of a label count as one answer, whose probability is their sum.
    """
    return logits.masked_fill(word_ids < 0, -torch.inf).logsumexp(-1)


def answer_losses(logits: Tensor, word_ids: Tensor) -> Tensor:
    """Return A(h, y) for each label y, in nats, [R, V] -> [R, C].

    A(h, y) = -(1/L) sum over languages l of log p(w(l, y) | h), p over the whole vocabulary.
    """
    scores = word_scores(logits[:, word_ids.clamp(min=0)], word_ids)
    return logits.logsumexp(-1, keepdim=True) - scores.mean(1)


def combined(scores: Tensor, rule: Rule, language: Tensor) -> Tensor:
    """Return a logit for each label by a rule, [B, L, C] -> [B, C].

    `language`, [B], is the index of the language that answers under `source` and `own`.
    """
    if rule == "max":
        return scores.amax(1)
    if rule == "sum":
        return scores.logsumexp(1)
    return scores.take_along_dim(language[:, None, None], 1).squeeze(1)


def mixed(rows: Tensor, share: Tensor) -> Tensor:
    """Return share times the first plus 1 - share times the second row of each two, [N, D].

    `share`, [N, 1], is for the first 2 N of `rows`.
    """
    end = 2 * len(share)
    return share * rows[0:end:2] + (1 - share) * rows[1:end:2]


def padded(words: LanguageWords) -> Tensor:
    """Return the ids of the label words, [L, C, S], with -1 after a label's last word."""
    longest = max(len(ids) for row in words.ids.values() for ids in row)
    return torch.tensor(
        [[[*ids, *[-1] * (longest - len(ids))] for ids in row] for row in words.ids.values()]
    )


class Model(Method):
    """UP's template; A over answers in every language, also for mixtures of two mask states.

    A row's `prompt` is the index of the language whose words answer it, since it has no slots.
    """

    word_ids: Tensor

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.settings = settings
        place, source = f"params.yaml: methods.{self.run.name}.label_words", self.languages.source
        self.words = language_word_ids(
            self.pieces, settings.label_words, split_words=settings.pieces, place=place
        )
        if source not in self.words.ids:
            raise InputError(
                f"{place}: expected words of the source language {source} whose labels have "
                f"different pieces, found those of {', '.join(self.words.ids)}"
            )
        self.register_buffer("word_ids", padded(self.words), persistent=False)
        self.template = UniversalTemplate(self.pieces, max_length=self.run.training.max_length)

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """Mean of A over the examples and, in training, over the mixture of each two of them.

        For two states with h = lambda h1 + (1 - lambda) h2 it is
        (A(h1, y1) + A(h2, y2) + lambda A(h, y1) + (1 - lambda) A(h, y2)) / 3, which weighs as two
        examples. The last of an odd number is not mixed.
        """
        del moment
        examples = drawn["labelled"]
        number, mixes = len(examples), self.training and self.settings.mixture > 0
        twos = number // 2 if mixes else 0
        states = self.backbone.states(self.collate([example.rows[0] for example in examples]))
        targets = torch.eye(len(LABELS), device=self.device)[self.labels(examples)]
        if twos:
            share = self._shares(twos)
            states = torch.cat([states, mixed(states, share)])
            targets = torch.cat([targets, mixed(targets, share)])
        each = (answer_losses(self.backbone.logits(states), self.word_ids) * targets).sum(-1)
        answers, mixtures = each[:number], each[number:]
        in_twos, alone = answers[: 2 * twos].sum() + mixtures.sum(), answers[2 * twos :].sum()
        parts = {"answers": answers.mean()} | ({"mixtures": mixtures.mean()} if twos else {})
        return Losses((in_twos * 2 / 3 + alone) / number, parts)

    def _shares(self, twos: int) -> Tensor:
        """Draw lambda for each two, [twos, 1], from torch's global generator."""
        a = self.settings.mixture
        return self.placed(Beta(a, a, validate_args=False).sample((twos, 1)))

    def reading(self, language: str) -> Reading:
        """Return the template, and the index of the language whose words answer."""
        return Reading(self.template, list(self.words.ids).index(self._answering(language)))

    def _answering(self, language: str) -> str:
        """Return the source language, or under `own` the language itself if it has words."""
        own = self.settings.predict == "own" and language in self.words.ids
        return language if own else self.languages.source

    def label_logits(self, batch: Batch) -> Tensor:
        """Return the logits of the labels by the run's rule, [B, C].

        If the vocabulary competes, its largest logit follows, [B, C + 1]; otherwise only the logits
        of the label words are computed.
        """
        states, ids = self.backbone.states(batch), self.word_ids.clamp(min=0)
        whole = self.run.template.predict_over == "vocabulary"
        logits = self.backbone.logits(states, None if whole else ids.flatten())
        words = logits[:, ids] if whole else logits.view(-1, *ids.shape)
        scores = word_scores(words, self.word_ids)
        labels = combined(scores, self.settings.predict, batch.prompt[batch.read_at])
        return torch.cat([labels, logits.amax(-1, keepdim=True)], dim=-1) if whole else labels

    def exported(self) -> Exported:
        """Return the template, and the words of one language or of all, by the run's rule."""
        rule, over = self.settings.predict, self.run.template.predict_over
        answers = {}
        for code in self.languages.all:
            one = self._answering(code)
            words = self.words.ids if rule in {"max", "sum"} else {one: self.words.ids[one]}
            across: Combination = "max" if rule == "max" else "sum"
            answers[code] = answers_of(self.pieces, words, several="sum", across=across, over=over)
        return Exported(self.readings(), answers, prompts={})

    def notes(self) -> Mapping[str, Any]:
        """Return the languages left out, and those that the source's words answer under `own`."""
        lacking = [code for code in self.languages.all if code not in self.words.ids]
        own = self.settings.predict == "own" and lacking
        return self.words.notes() | ({"answered_in_source": lacking} if own else {})
