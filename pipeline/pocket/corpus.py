"""The miniature's datasets in the Hub's layout: one like XNLI, one like PAWS-X."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, Translation, TranslationVariableLanguages, Value

from pipeline.files import atomic, write_text
from pipeline.params.runs import LABELS
from pipeline.pocket.grammar import Grammar, Sentence
from pipeline.pocket.items import ENTAILMENT, Item, Pair, draw_balanced, draw_paraphrase

SEED = 20240607
PER_LABEL = {"test": 100, "validation": 200, "train": 667}
PARAPHRASES = 300  # rows of each split of the PAWS-X-like dataset; half of them are paraphrases
ALL = "all_languages"  # the Hub's name of the configuration with each pair in every language

README = """\
# A miniature in the shape of {name}

Columns: {columns}. Row i of each language says what row i of the others says. The text
is generated from `data/pocket/lexicon.csv` and `data/pocket/grammar.yaml`; it is not
{name}, and no sentence of {name} is in it. See `data/pocket/README.md`.
"""

TEXT = Value("string")
XNLI = Features(premise=TEXT, hypothesis=TEXT, label=ClassLabel(names=list(LABELS)))
PAWS_X = Features(
    id=Value("int32"), sentence1=TEXT, sentence2=TEXT, label=ClassLabel(names=["0", "1"])
)


@dataclass(frozen=True)
class Corpora:
    """The grammar, and the items by split."""

    grammar: Grammar
    xnli: dict[str, list[Item]]
    paws_x: dict[str, list[Item]]

    @property
    def pairs(self) -> frozenset[Pair]:
        """Every pair of every split; the pretraining text must not contain them."""
        splits = (*self.xnli.values(), *self.paws_x.values())
        return frozenset(item.pair for items in splits for item in items)


def draw_corpora(grammar: Grammar) -> Corpora:
    """Draw all splits; no pair occurs in two of them.

    Test, validation and the rest share no sentence. Train and the PAWS-X-like splits may.
    """
    rng = Random(SEED)
    xnli: dict[str, list[Item]] = {}
    taken: set[Sentence] = set()
    for split, per_label in PER_LABEL.items():
        xnli[split] = draw_balanced(grammar.lexicon, rng, per_label=per_label, avoid=taken)
        if split != "train":
            taken.update(*(item.pair for item in xnli[split]))
    pairs = {item.pair for item in xnli["train"]}
    paws_x: dict[str, list[Item]] = {"validation": [], "test": []}
    for items in paws_x.values():
        while len(items) < PARAPHRASES:
            item = draw_paraphrase(grammar.lexicon, rng, same=len(items) % 2 == 0)
            if item.pair not in pairs and taken.isdisjoint(item.pair):
                pairs.add(item.pair)
                items.append(item)
        rng.shuffle(items)
    return Corpora(grammar, xnli, paws_x)


def write_hub(corpora: Corpora, folder: Path) -> None:
    """Write both datasets under `folder`, xnli/ and paws-x/; the same items give the same bytes."""
    grammar = corpora.grammar

    def texts(item: Item, language: str) -> list[str]:
        return [grammar.sentence(sentence, language) for sentence in item.pair]

    codes = list(grammar.languages)
    rows: list[tuple[object, ...]] = []
    for item in corpora.xnli["train"]:
        premises, hypotheses = zip(*(texts(item, code) for code in codes), strict=True)
        premise = dict(zip(codes, premises, strict=True))
        rows.append((premise, {"language": codes, "translation": hypotheses}, item.label))
    # The two types that XNLI on the Hub uses.
    features = Features(
        premise=Translation(languages=codes),
        hypothesis=TranslationVariableLanguages(languages=codes),
        label=XNLI["label"],
    )
    xnli = {ALL: {"train": _table(rows, features)}}
    paws_x: dict[str, dict[str, pa.Table]] = {}
    for code in codes:
        xnli[code], paws_x[code] = {}, {}
        for split in ("train", "validation", "test") if code == "en" else ("validation", "test"):
            rows = [(*texts(item, code), item.label) for item in corpora.xnli[split]]
            xnli[code][split] = _table(rows, XNLI)
        for split, items in corpora.paws_x.items():
            rows = [
                (number, *texts(item, code), int(item.label == ENTAILMENT))
                for number, item in enumerate(items, start=1)
            ]
            paws_x[code][split] = _table(rows, PAWS_X)
    _write(xnli, "XNLI", folder / "xnli")
    _write(paws_x, "PAWS-X", folder / "paws-x")


def _table(rows: list[tuple[object, ...]], features: Features) -> pa.Table:
    return pa.table(list(map(list, zip(*rows, strict=True))), features.arrow_schema)


def _write(configs: dict[str, dict[str, pa.Table]], name: str, folder: Path) -> None:
    """Write a table per configuration and split, and the README that lists them."""
    lines = ["---", "license: apache-2.0", "configs:"]
    for config, splits in configs.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        # The one large file: 0.37 MB instead of 0.87.
        options = {"compression": "zstd", "compression_level": 19} if config == ALL else {}
        for split, table in splits.items():
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*.parquet"]
            with atomic(folder / config / f"{split}-00000-of-00001.parquet") as temporary:
                pq.write_table(table, temporary, **options)
    columns = ", ".join(configs["en"]["test"].column_names)
    text = README.format(name=name, columns=columns)
    write_text("\n".join([*lines, "---", text]), folder / "README.md")
