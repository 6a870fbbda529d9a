"""SoftMV (Li et al. 2023): soft prompt, label words of many languages, and a second view.

Each labelled pair comes twice, and the answers to both are made consistent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional

from pipeline.backbone.rows import Batch
from pipeline.errors import InputError
from pipeline.params.runs import LABELS, input_place
from pipeline.params.strict import Strictly
from pipeline.prompting.label_words import LabelWords, SplitWords
from pipeline.prompting.nli import Answers
from pipeline.prompting.soft_prompt import SoftPrompt
from pipeline.prompting.verbalizer import language_word_ids
from pipeline.training.exported import answers_of
from pipeline.training.method import Context, Example, Losses, Moment, WordMethod
from pipeline.training.text import TrainingText

Dictionary = Mapping[str, Sequence[str]]
"""The translations of each word."""

DRAWS = 11
"""How often a language is drawn for a word that the drawn ones lack, before the word stays."""


class Settings(Strictly, serialize_by_alias=True):
    """SoftMV's keys in params.yaml, by default with the authors' values.

    `copy` is the second view of a pair: the pair itself, seen through other dropout (`none`), its
    translation, for runs with `pairs: xnli`, or, as the authors', the pair with words replaced by
    those of a `dictionary`, an input of the run.
    """

    prompt_length: Annotated[int, Field(ge=1)] = 4  # m
    label_words: LabelWords = "zhao-schuetze"
    pieces: SplitWords = "last"
    # pydantic has a method of this name.
    view: Annotated[Literal["none", "translation", "dictionary"], Field(alias="copy")] = "none"
    rate: Annotated[float, Field(gt=0, le=1)] = 0.55  # of the words that a dictionary may replace
    consistency: Annotated[float, Field(ge=0)] = 0.3  # the weight of the KL divergence

    @model_validator(mode="after")
    def _rate_is_read(self) -> Self:
        if self.view != "dictionary" and "rate" in self.model_fields_set:
            raise ValueError(
                f"rate: expected no such key with copy: {self.view}, found {self.rate}"
            )
        return self


def parse_dictionary(text: str, *, place: str) -> Dictionary:
    """Return a dictionary in MUSE's format: a word, white space and its translation on each line.

    A word may have several lines. As in the authors' code, a word's translation into itself is
    left out.

    Raises:
        InputError: a line is not two words, or no translation remains.
    """
    words: dict[str, list[str]] = defaultdict(list)
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        pair = line.split()
        if len(pair) != 2:
            raise InputError(
                f"{place}, line {number}: expected a word and its translation, found {line[:60]!r}"
            )
        if pair[0] != pair[1]:
            words[pair[0]].append(pair[1])
    if not words:
        raise InputError(f"{place}: expected lines of a word and its translation, found none")
    return dict(words)


def switched(
    sentence: str, dictionaries: Sequence[Dictionary], *, rate: float, generator: torch.Generator
) -> str:
    """Return a sentence of which each word is translated with the probability `rate`.

    The word is looked up as it stands between spaces, in the dictionary of a random language,
    until one has it or DRAWS are made; one of its translations there is drawn. Otherwise it stays.
    """
    words = sentence.split()
    drawn = torch.randint(len(dictionaries), (len(words), DRAWS), generator=generator).tolist()
    chances = torch.rand((len(words), 2), generator=generator).tolist()
    copy = []
    for word, languages, (chance, which) in zip(words, drawn, chances, strict=True):
        found = (dictionaries[number].get(word, ()) for number in languages)
        translations = next(filter(None, found), (word,)) if chance < rate else (word,)
        copy.append(translations[int(which * len(translations))])
    return " ".join(copy)


class Model(WordMethod):
    """SP's template, and a verbalizer that is the mean over languages in every language."""

    verbalizer_ids: Tensor
    shares: Tensor

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self.settings = settings
        self._switching: dict[str, Any] = {}  # facts for `notes`
        if settings.view == "translation" and context.run.parallel.pairs != "xnli":
            raise InputError(
                f"params.yaml: methods.{context.run.name}.pairs: expected xnli with "
                f"copy: translation, found {context.run.parallel.pairs}"
            )
        self.prompt = SoftPrompt(settings.prompt_length, context.backbone.embedding_size)
        self.template = context.cloze(settings.prompt_length)
        place = f"params.yaml: methods.{context.run.name}.label_words"
        self._words = language_word_ids(
            context.pieces, settings.label_words, split_words=settings.pieces, place=place
        )
        by_language = self._words.ids.values()
        ids = [number for row in by_language for several in row for number in several]
        # The mean over a language's words for a label, then over languages, [words, C].
        shares = [
            [(label == other) / len(several) / len(by_language) for other in range(len(LABELS))]
            for row in by_language
            for label, several in enumerate(row)
            for _ in several
        ]
        self.register_buffer("verbalizer_ids", torch.tensor(ids), persistent=False)
        self.register_buffer("shares", torch.tensor(shares), persistent=False)

    @classmethod
    def reads(cls, settings: Settings) -> tuple[str, ...]:
        """Return `dictionary`, a folder of en-XX.txt for target languages XX, if it is read."""
        return ("dictionary",) if settings.view == "dictionary" else ()

    def soft_prompts(self) -> Tensor:
        """Return the prompt, [1, m, d]."""
        prompt: Tensor = self.prompt()
        return prompt[None]

    def streams(self, text: TrainingText, generator: torch.Generator) -> dict[str, list[Example]]:
        """Return the labelled pairs in two views."""
        labelled = super().streams(text, generator)["labelled"]
        second = self.template.rows(*zip(*self._copies(text, generator), strict=True))
        return {
            "labelled": [
                Example((example.rows[0], row), example.label)
                for example, row in zip(labelled, second, strict=True)
            ]
        }

    def _copies(self, text: TrainingText, generator: torch.Generator) -> list[tuple[str, str]]:
        """Return the second view of each labelled pair: its premise and its hypothesis."""
        pairs = [(pair.premise, pair.hypothesis) for pair in text.labelled]
        if self.settings.view == "translation":
            translated = {
                (pair.premise, pair.hypothesis): (pair.target_premise, pair.target_hypothesis)
                for pair in text.parallel
            }
            return [translated[pair] for pair in pairs]
        return self._switched(pairs, generator) if self.settings.view == "dictionary" else pairs

    def _switched(
        self, pairs: Sequence[tuple[str, str]], generator: torch.Generator
    ) -> list[tuple[str, str]]:
        """Return pairs with words of target languages, and keep how many words these are."""
        known = self._dictionaries()
        sentences = [sentence for pair in pairs for sentence in pair]
        copies = [
            switched(one, [*known.values()], rate=self.settings.rate, generator=generator)
            for one in sentences
        ]
        replaced = [
            old != new
            for before, after in zip(sentences, copies, strict=True)
            for old, new in zip(before.split(), after.split(), strict=True)
        ]
        self._switching = {
            "switched_words": sum(replaced) / len(replaced),
            "without_dictionary": [code for code in self.languages.targets if code not in known],
        }
        return list(zip(copies[::2], copies[1::2], strict=True))

    def _dictionaries(self) -> dict[str, Dictionary]:
        """Read the dictionaries of target languages, in the order of these.

        Raises:
            InputError: there is none, one is of another language, or it is no dictionary.
        """
        folder, begin = self.inputs["dictionary"], f"{self.languages.source}-"
        names = {path.stem.removeprefix(begin): path.name for path in folder.glob(f"{begin}*.txt")}
        targets = self.languages.targets
        others = sorted(name for code, name in names.items() if code not in targets)
        if others or not names:
            raise InputError(
                f"{input_place(self.run.name, 'dictionary')}: expected a folder with files "
                f"{begin}XX.txt of target languages ({', '.join(targets)}), found "
                f"{others[0] if others else 'none'}"
            )
        found = {}
        for code in filter(names.get, targets):
            place = str(folder / names[code])
            try:
                text = (self.inputs["dictionary"] / names[code]).read_text(encoding="utf-8-sig")
            except UnicodeDecodeError:
                raise InputError(f"{place}: expected text in UTF-8, found other bytes") from None
            found[code] = parse_dictionary(text, place=place)
        return found

    def losses(self, drawn: Mapping[str, Sequence[Example]], moment: Moment) -> Losses:
        """CE(view 1) + CE(view 2) + 0.3 KL(view 2 || view 1), over the labels, in nats."""
        del moment
        examples = drawn["labelled"]
        rows = [example.rows[side] for side in (0, 1) for example in examples]
        first, second = self.label_logits(self.collate(rows)).log_softmax(-1).chunk(2)
        labels = self.labels(examples)
        ce = functional.nll_loss(first, labels) + functional.nll_loss(second, labels)
        kld = functional.kl_div(first, second, reduction="batchmean", log_target=True)
        return Losses(ce + self.settings.consistency * kld, {"ce": ce, "kld": kld})

    def label_logits(self, batch: Batch) -> Tensor:
        """Return the mean of the logits of a label's words over languages, [B, C]."""
        logits = self.logits(batch, self.verbalizer_ids)
        return (logits[..., None] * self.shares).sum(1)  # a product would round under autocast

    def answers(self) -> dict[str, Answers]:
        """Return the words of all languages, in every language."""
        return dict.fromkeys(self.languages.all, answers_of(self.pieces, self._words.ids))

    def prompts(self) -> dict[str, Tensor]:
        """Return the soft prompt, [m, d]."""
        return {"prompt": self.soft_prompts()[0]}

    def notes(self) -> dict[str, Any]:
        """Return the languages whose label words share a piece, and what a dictionary replaced."""
        return self._words.notes() | self._switching
