"""The numbers of the miniature's card: cues, zero-shot accuracy, accuracy with full data."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.rows import collate
from pipeline.backbone.tokens import load_pieces
from pipeline.corpora.sources import read_split
from pipeline.params.runs import LABELS
from pipeline.params.text import Source
from pipeline.params.whole import Params
from pipeline.pocket.corpus import Corpora
from pipeline.pocket.grammar import Grammar, Phrase, Sentence
from pipeline.pocket.items import MODIFIERS, Item
from pipeline.pocket.lexicon import SLOTS
from pipeline.progress import Progress, silent
from pipeline.prompting.template import ClozeTemplate, QuestionTemplate, Template
from pipeline.training.loop import fit
from pipeline.training.method import Context
from pipeline.training.prediction import accuracy, predict
from pipeline.training.registry import build
from pipeline.training.reproducibility import make_deterministic
from pipeline.training.text import Labelled, TrainingText

RIDGE = 1e-3
EPOCHS = 10  # of fine-tuning on the whole English pool
SEED = 20240609
SPLITS = ("validation", "test")


def cues(corpora: Corpora) -> pd.DataFrame:
    """Measure how well a logistic regression predicts labels without the meaning of a pair.

    Returns:
        A row per kind of features: features, then percent on validation and test.
    """
    concepts = corpora.grammar.lexicon.concepts
    phrases = [Phrase(concept) for concept in concepts]
    phrases += [Phrase(concept, negated=True) for concept in concepts if concept.slot in MODIFIERS]

    def bag(sentence: Sentence) -> list[bool]:
        return [phrase in sentence for phrase in phrases]

    features: dict[str, Callable[[Item], list[bool]]] = {
        "hypothesis, bag of phrases": lambda item: bag(item.hypothesis),
        "pattern: filled, equal and negated slots, and their products": _pattern,
        "premise, bag of phrases": lambda item: bag(item.premise),
        "both bags": lambda item: bag(item.premise) + bag(item.hypothesis),
    }
    rows = []
    for name, features_of in features.items():
        data: dict[str, tuple[Tensor, Tensor]] = {}
        for split, items in corpora.xnli.items():
            inputs = torch.tensor([[*features_of(item), True] for item in items]).float()
            data[split] = inputs, torch.tensor([item.label for item in items])
        weights = _regression(*data["train"])
        percents = {split: _percent(data[split][0] @ weights, data[split][1]) for split in SPLITS}
        rows.append({"features": name, **percents})
    return pd.DataFrame(rows)


def untrained(grammar: Grammar, folder: Path) -> pd.DataFrame:
    """Measure the untrained backbone by the label words at the mask, without a soft prompt.

    Returns:
        A row per language: language, closeness; then percent for the English label words on
        validation and test, and on validation for the language's own words (NaN unless each is
        one piece) and for PCT's template.
    """
    backbone, pieces = load_backbone(folder / "backbone"), load_pieces(folder / "backbone")
    length, english = backbone.max_length, grammar.languages["en"].answers

    @torch.inference_mode()
    def logits(template: Template, examples: pd.DataFrame) -> Tensor:
        rows = template.rows(list(examples.premise), list(examples.hypothesis))
        batch = collate(rows, pad=pieces.pad, device=torch.device("cpu"))
        return backbone.logits(backbone.states(batch))

    def percent(logits: Tensor, words: Sequence[str], examples: pd.DataFrame) -> float:
        ids = pieces.of(words)
        if any(len(word) != 1 for word in ids):
            return float("nan")
        return _percent(logits[:, [word[0] for word in ids]], torch.tensor(list(examples.label)))

    cloze = ClozeTemplate(pieces, position="suffix", prompt_length=0, max_length=length)
    rows = []
    for code, rules in grammar.languages.items():
        question = QuestionTemplate(pieces, language=code, max_length=length)
        validation, test = (_read(folder, code, split) for split in SPLITS)
        at_mask = logits(cloze, validation)
        rows.append({
            "language": code,
            "closeness": rules.closeness,
            "validation": percent(at_mask, english, validation),
            "test": percent(logits(cloze, test), english, test),
            "own words": percent(at_mask, rules.answers, validation),
            "question template": percent(logits(question, validation), english, validation),
        })  # fmt: skip
    return pd.DataFrame(rows)


def full_data(params: Params, folder: Path, progress: Progress = silent) -> dict[str, float]:
    """Train `ft` on the English pool; return its English accuracy in percent, by split."""
    generator = make_deterministic(SEED)
    run, changes = params.run("ft"), {"epochs": EPOCHS, "epoch": "labelled", "selection": "last"}
    run = run.model_copy(update={"training": run.training.model_copy(update=changes)})
    backbone, pieces = load_backbone(folder / "backbone"), load_pieces(folder / "backbone")
    method = build(Context(run, params.languages, backbone, pieces))
    train, dev, test = (_read(folder, "en", split) for split in ("train", *SPLITS))
    rows = zip(train.premise, train.hypothesis, train.label, strict=True)
    text = TrainingText([Labelled(*row) for row in rows], [])
    fit(method, text, dev, generator=generator, progress=progress)
    return {"validation": accuracy(predict(method, dev)), "test": accuracy(predict(method, test))}


def _read(folder: Path, language: str, split: str) -> pd.DataFrame:
    source = Source(path=str(folder / "hub" / "xnli"))
    rows = read_split(source, config=language, split=split, key="datasets.xnli")
    return rows.assign(language=language, pair_id=[f"{split}-{row}" for row in range(len(rows))])


def _pattern(item: Item) -> list[bool]:
    premise, hypothesis = ({phrase.slot: phrase for phrase in text} for text in item.pair)
    single = []
    for slot in SLOTS:
        filled = slot in hypothesis
        equal = filled and premise[slot] == hypothesis[slot]
        single += [slot in premise, filled, equal, filled and hypothesis[slot].negated]
    return single + [a and b for at, a in enumerate(single) for b in single[:at]]


def _regression(inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the weights of a multinomial logistic regression with a ridge, [features, C]."""
    weights = torch.zeros(inputs.shape[1], len(LABELS), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(inputs @ weights, labels) + RIDGE * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach()


def _percent(logits: Tensor, labels: Tensor) -> float:
    return 100 * (logits.argmax(1) == labels).float().mean().item()
