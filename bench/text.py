"""What the contenders train and predict on: real XNLI and PAWS-X, and a tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from pipeline.backbone.ids import Ids, ids_of
from pipeline.backbone.tokens import Pieces
from pipeline.corpora.pairs import is_text, read_paws_x
from pipeline.corpora.sources import read_split
from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.methods.base import TrainingText
from pipeline.params.runs import LanguageParams
from pipeline.params.text import PairSource, Source

SOURCE = "en"
SHOTS, PAIRS = 64, 500
"""The step that is timed is the paper's at 64 shots: 192 labelled and 500 parallel pairs."""

VOCABULARY = 30_000
"""Pieces of the tokenizer that is trained where none is given."""


@dataclass(frozen=True)
class Text:
    """What is read from the datasets, and its tokenizer.

    Attributes:
        tokenizer: XLM-R's, or one of its form.
        languages: those of the test.
        training: English pairs of XNLI; English pairs of PAWS-X with human translations, their
            languages in turn.
        test: language, pair_id, premise, hypothesis, label; the same pairs in every language,
            one language after another.
    """

    tokenizer: Tokenizer
    languages: LanguageParams
    training: TrainingText
    test: pd.DataFrame


def read_text(hub: Path, tokenizer: Tokenizer, *, examples: int) -> Text:
    """Read the text from a folder of the Hub's layout.

    Args:
        hub: holds facebook/xnli and google-research-datasets/paws-x.
        tokenizer: of the text.
        examples: how many pairs the test has, over all languages.

    Raises:
        InputError: a dataset is missing or not what it should be.
    """
    xnli, paws_x = (
        _folder(hub, name) for name in ("facebook/xnli", "google-research-datasets/paws-x")
    )
    labelled = read_split(Source(path=str(xnli)), config=SOURCE, split="train", key="--hub")
    labelled = labelled.sample(frac=1, random_state=0).groupby("label").head(SHOTS)
    languages = LanguageParams(source=SOURCE, targets=_targets(xnli))
    return Text(
        tokenizer=tokenizer,
        languages=languages,
        training=TrainingText.of(labelled, _parallel(paws_x)),
        test=_test(xnli, languages.all, examples),
    )


def _folder(hub: Path, name: str) -> Path:
    folder = hub.resolve() / name
    if not folder.is_dir():
        raise InputError(f"--hub: expected a folder with {name}, found none in {hub}")
    return folder


def _targets(folder: Path) -> tuple[str, ...]:
    return tuple(code for code in LANGUAGES if code != SOURCE and (folder / code).is_dir())


def _parallel(folder: Path) -> pd.DataFrame:
    source, targets = PairSource(path=str(folder), splits=("validation",)), _targets(folder)
    english = read_paws_x(source, SOURCE)
    parts = []
    for turn, code in enumerate(targets):
        other = read_paws_x(source, code)
        pairs = english.assign(
            language=code, target_premise=other.premise, target_hypothesis=other.hypothesis
        )
        parts.append(pairs.iloc[turn :: len(targets)])
    pairs = pd.concat(parts).sort_index()
    texts = ("premise", "hypothesis", "target_premise", "target_hypothesis")
    return pairs[pd.concat([is_text(pairs[name]) for name in texts], axis=1).all(axis=1)].head(
        PAIRS
    )


def _test(folder: Path, languages: Sequence[str], examples: int) -> pd.DataFrame:
    parts = []
    for code in languages:
        frame = read_split(Source(path=str(folder)), config=code, split="test", key="--hub")
        each = max(1, examples // len(languages))
        frame = frame.iloc[:: max(1, len(frame) // each)].head(each)
        ids = [f"test-{row}" for row in frame.index]
        parts.append(frame.assign(language=code, pair_id=ids))
    return pd.concat(parts, ignore_index=True)


class Folded(Pieces):
    """Pieces whose ids are folded into a smaller vocabulary: of a text its length alone is true."""

    def __init__(self, tokenizer: Tokenizer, *, size: int) -> None:
        super().__init__(tokenizer, mask="<mask>", pad="<pad>")
        self.mask %= size
        self._size = size

    def of(self, texts: Sequence[str]) -> list[Ids]:
        """Return the pieces of each text; see Pieces."""
        return [ids_of(piece % self._size for piece in text) for text in super().of(texts)]


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load a tokenizer.json of XLM-R's form.

    Raises:
        InputError: there is none.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"--tokenizer: expected tokenizer.json, found none in {folder}")
    return Tokenizer.from_file(str(path))


def train_tokenizer(hub: Path, words: Sequence[str]) -> Tokenizer:
    """Train a BPE tokenizer on XNLI's validation text, with XLM-R's special tokens around texts.

    Args:
        hub: as in read_text.
        words: what has to be one piece each.
    """
    xnli = _folder(hub, "facebook/xnli")
    frames = [
        read_split(Source(path=str(xnli)), config=code, split="validation", key="--hub")
        for code in (SOURCE, *_targets(xnli))
    ]
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=specials, show_progress=False
    )
    texts = (frame[column] for frame in frames for column in ("premise", "hypothesis"))
    made.train_from_iterator(chain([" ".join(words)] * 1000, *texts), trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return made
