"""The numbers of the miniature's card: cues, accuracy without training, accuracy of full data."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from pipeline.backbone.backbone import Backbone
from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.ids import Ids
from pipeline.backbone.rows import collate
from pipeline.backbone.tokens import Pieces, load_pieces
from pipeline.corpora.files import PARALLEL_PAIRS
from pipeline.corpora.sources import read_split
from pipeline.methods.base import Context, TrainingText
from pipeline.params.text import Source
from pipeline.params.whole import Params
from pipeline.pocket.corpus import Corpora
from pipeline.pocket.grammar import Grammar, Phrase
from pipeline.pocket.items import MODIFIERS, Item
from pipeline.pocket.lexicon import SLOTS, Lexicon
from pipeline.progress import Progress, silent
from pipeline.prompting.template import ClozeTemplate, QuestionTemplate, Template
from pipeline.training.loop import fit
from pipeline.training.prediction import accuracy, predict
from pipeline.training.registry import build
from pipeline.training.reproducibility import make_deterministic

ENGLISH_WORDS = ("yes", "maybe", "no")
RIDGE = 1e-3
EPOCHS = 10
"""Passes of fine-tuning over the whole English pool."""

SEED = 20240609
SPLITS = ("validation", "test")


def cues(corpora: Corpora, lexicon: Lexicon) -> pd.DataFrame:
    """Measure what can be told from less than the meaning of a pair.

    Multinomial logistic regression with a ridge, trained on the English pool.

    Returns:
        A row a kind of feature: features, validation, test (percent; chance is 33.3).
    """
    premise, hypothesis = _bag(lexicon, "premise"), _bag(lexicon, "hypothesis")
    pattern = _pattern(lexicon)
    features: dict[str, Callable[[Item], list[float]]] = {
        "hypothesis, bag of phrases": hypothesis,
        "pattern: filled, equal and negated slots, and their products": pattern,
        "premise, bag of phrases": premise,
        "both bags": lambda one: premise(one) + hypothesis(one),
    }
    rows = []
    for name, of in features.items():
        weights = _regression(*_data(corpora.xnli["train"], of))
        row: dict[str, str | float] = {"features": name}
        for split in SPLITS:
            inputs, labels = _data(corpora.xnli[split], of)
            row[split] = _percent((inputs @ weights).argmax(1) == labels)
        rows.append(row)
    return pd.DataFrame(rows)


def untrained(grammar: Grammar, folder: Path) -> pd.DataFrame:
    """Measure the backbone as it is, by the label words at the mask and without a soft prompt.

    Args:
        grammar: the languages.
        folder: data/pocket.

    Returns:
        A row a language: language, closeness, then percent for the English label words on
        validation and test, the language's own where each is one piece (else no number), and
        PCT's template.
    """
    backbone, pieces = load_backbone(folder / "backbone").eval(), load_pieces(folder / "backbone")
    length = backbone.max_length
    cloze = ClozeTemplate(pieces, position="suffix", prompt_length=0, max_length=length)
    english = [pieces.word(word) for word in ENGLISH_WORDS]
    rows = []
    for code, rules in grammar.languages.items():
        question = QuestionTemplate(pieces, language=code, max_length=length)
        split = {name: _read(folder, code, name) for name in SPLITS}
        found = {
            "validation": _zero_shot(backbone, pieces, cloze, english, split["validation"]),
            "test": _zero_shot(backbone, pieces, cloze, english, split["test"]),
            "own words": _zero_shot(
                backbone, pieces, cloze, [pieces.word(word) for word in rules.answers],
                split["validation"],
            ),
            "question template": _zero_shot(
                backbone, pieces, question, english, split["validation"]
            ),
        }  # fmt: skip
        rows.append({"language": code, "closeness": rules.closeness, **found})
    return pd.DataFrame(rows).sort_values("language", ignore_index=True)


def full_data(params: Params, folder: Path, progress: Progress = silent) -> dict[str, float]:
    """Fine-tune on all of the English pool and measure in English, in percent by split.

    Args:
        params: its run `ft`, but for the epochs.
        folder: data/pocket.
        progress: told of each epoch.
    """
    run = params.run("ft")
    training = run.training.model_copy(
        update={"epochs": EPOCHS, "epoch": "labelled", "selection": "last"}
    )
    generator = make_deterministic(SEED)
    backbone, pieces = load_backbone(folder / "backbone"), load_pieces(folder / "backbone")
    chosen = run.model_copy(update={"training": training})
    method = build(Context(chosen, params.languages, backbone, pieces))
    dev = _read(folder, params.languages.source, "validation")
    no_pairs = PARALLEL_PAIRS.schema.empty_table().to_pandas()
    text = TrainingText.of(_read(folder, params.languages.source, "train"), no_pairs)
    fit(method, text, dev, generator=generator, progress=progress)
    return {
        split: accuracy(predict(method, _read(folder, params.languages.source, split)))
        for split in SPLITS
    }


def _read(folder: Path, language: str, split: str) -> pd.DataFrame:
    source = Source(path=str(folder / "hub" / "xnli"))
    rows = read_split(source, config=language, split=split, key="datasets.xnli")
    return rows.assign(language=language, pair_id=[f"{split}-{row}" for row in range(len(rows))])


@torch.inference_mode()
def _zero_shot(
    backbone: Backbone,
    pieces: Pieces,
    template: Template,
    words: Sequence[Ids],
    examples: pd.DataFrame,
) -> float:
    if any(len(word) != 1 for word in words):
        return float("nan")
    rows = template.rows(list(examples.premise), list(examples.hypothesis))
    logits = backbone.logits(
        backbone.states(collate(rows, pad=pieces.pad, device=torch.device("cpu")))
    )
    predicted = logits[:, [word[0] for word in words]].argmax(1)
    return _percent(predicted == torch.tensor(examples.label.to_numpy()))


def _bag(lexicon: Lexicon, side: str) -> Callable[[Item], list[float]]:
    phrases = [Phrase(one.name) for one in lexicon.concepts]
    phrases += [Phrase(one.name, negated=True) for one in lexicon.concepts if one.slot in MODIFIERS]
    return lambda one: [float(phrase in getattr(one, side)) for phrase in phrases]


def _pattern(lexicon: Lexicon) -> Callable[[Item], list[float]]:
    def features(one: Item) -> list[float]:
        premise = {lexicon.by_name[phrase.concept].slot: phrase for phrase in one.premise}
        hypothesis = {lexicon.by_name[phrase.concept].slot: phrase for phrase in one.hypothesis}
        single = []
        for slot in SLOTS:
            single += [slot in premise, slot in hypothesis]
            single += [slot in hypothesis and premise[slot] == hypothesis[slot]]
            single += [slot in hypothesis and hypothesis[slot].negated]
        pairs = [a and b for at, a in enumerate(single) for b in single[:at]]
        return [float(value) for value in (*single, *pairs)]

    return features


def _data(items: Iterable[Item], of: Callable[[Item], list[float]]) -> tuple[Tensor, Tensor]:
    rows = list(items)
    inputs = torch.tensor([of(one) for one in rows])
    return pad(inputs, (0, 1), value=1.0), torch.tensor([one.label for one in rows])


def _regression(inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the weights of a multinomial logistic regression, [features, C]."""
    weights = torch.zeros(inputs.shape[1], int(labels.max()) + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(inputs @ weights, labels) + RIDGE * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach()


def _percent(right: Tensor) -> float:
    return 100 * right.float().mean().item()
