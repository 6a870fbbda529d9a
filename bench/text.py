"""What the contenders train and predict on: XNLI, PAWS-X and a tokenizer.

The Parquet files are read with pandas, since a GPU machine may lack `datasets`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from pipeline.backbone.tokens import Ids, Pieces, ids_of
from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.params.runs import LanguageParams
from pipeline.training.text import TrainingText

SOURCE = "en"
XNLI, PAWS_X = "facebook/xnli", "google-research-datasets/paws-x"

SHOTS, PAIRS = 64, 500
"""The paper's training set at 64 shots: 192 labelled and 500 parallel pairs."""

MISSING = ("", "NS")
"""What PAWS-X has in place of a sentence that was not translated."""


@dataclass(frozen=True)
class Text:
    """Text of the two datasets.

    Attributes:
        languages: of the test set.
        training: English pairs of XNLI; English pairs of PAWS-X with human translations, whose
            languages alternate.
        test: language, pair_id, premise, hypothesis, label; the same pairs in every language,
            one language after another.
        tokenizer: a BPE of 30,000 pieces trained on XNLI's validation text.
    """

    languages: LanguageParams
    training: TrainingText
    test: pd.DataFrame
    tokenizer: Tokenizer


def read_text(hub: Path, *, words: Sequence[str], examples: int) -> Text:
    """Read the text and train the tokenizer.

    Args:
        hub: folder that holds facebook/xnli and google-research-datasets/paws-x.
        words: words that must be one piece each.
        examples: number of test pairs, over all languages.

    Raises:
        InputError: a file is missing.
    """
    train = _read(hub, XNLI, f"{SOURCE}/train")
    labelled = train.sample(frac=1, random_state=0).groupby("label").head(SHOTS)
    languages = LanguageParams(source=SOURCE, targets=_targets(hub, XNLI))
    test = []
    for code in languages.all:
        frame = _read(hub, XNLI, f"{code}/test")
        number = max(1, examples // len(languages.all))
        frame = frame.iloc[:: max(1, len(frame) // number)].head(number)
        ids = [f"test-{row}" for row in frame.index]
        test.append(frame.assign(language=code, pair_id=ids))
    validation = [_read(hub, XNLI, f"{code}/validation") for code in languages.all]
    return Text(
        languages=languages,
        training=TrainingText.of(labelled, _parallel(hub)),
        test=pd.concat(test, ignore_index=True),
        tokenizer=_train_tokenizer(validation, words),
    )


def _read(hub: Path, dataset: str, split: str) -> pd.DataFrame:
    files = sorted((hub / dataset).glob(f"{split}-[0-9]*.parquet"))
    if not files:
        raise InputError(f"--hub: expected {dataset}/{split}-*.parquet in {hub}, found none")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def _targets(hub: Path, dataset: str) -> tuple[str, ...]:
    return tuple(code for code in LANGUAGES if code != SOURCE and (hub / dataset / code).is_dir())


def _parallel(hub: Path) -> pd.DataFrame:
    english = _read(hub, PAWS_X, f"{SOURCE}/validation")
    english = english.rename(columns={"sentence1": "premise", "sentence2": "hypothesis"})
    targets = _targets(hub, PAWS_X)
    parts = []
    for turn, code in enumerate(targets):
        other = _read(hub, PAWS_X, f"{code}/validation")
        pairs = english.assign(
            language=code, target_premise=other.sentence1, target_hypothesis=other.sentence2
        )
        parts.append(pairs.iloc[turn :: len(targets)])
    pairs = pd.concat(parts).sort_index()
    texts = pairs[["premise", "hypothesis", "target_premise", "target_hypothesis"]]
    return pairs[~texts.fillna("").isin(MISSING).any(axis=1)].head(PAIRS)


def _train_tokenizer(frames: Sequence[pd.DataFrame], words: Sequence[str]) -> Tokenizer:
    """Train a BPE tokenizer that puts XLM-R's special tokens around texts."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=30_000, special_tokens=specials, show_progress=False)
    texts = (frame[column] for frame in frames for column in ("premise", "hypothesis"))
    tokenizer.train_from_iterator(chain([" ".join(words)] * 1000, *texts), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


class Folded(Pieces):
    """Pieces with ids modulo a smaller vocabulary: rows keep their length, not their words."""

    def __init__(self, tokenizer: Tokenizer, *, size: int) -> None:
        super().__init__(tokenizer, mask="<mask>", pad="<pad>")
        self.mask %= size
        self._size = size

    def of(self, texts: Sequence[str]) -> list[Ids]:
        """Return the pieces of each text; see Pieces."""
        return [ids_of(piece % self._size for piece in text) for text in super().of(texts)]
