"""The miniature's datasets in the Hub's layout: XNLI-shaped and PAWS-X-shaped."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.artifacts import atomic, write_text
from pipeline.params.runs import LABELS
from pipeline.pocket.grammar import Grammar, Sentence
from pipeline.pocket.items import Item, draw_balanced, draw_paraphrase
from pipeline.pocket.lexicon import Lexicon

SEED = 20240607
PER_LABEL = {"test": 100, "validation": 200, "train": 667}
PARAPHRASES = 300
"""Rows of each split of the PAWS-X-shaped dataset, one half of them paraphrases."""

ALL = "all_languages"
"""The Hub's name of the configuration with each pair in every language."""

Pair = tuple[Sentence, Sentence]


@dataclass(frozen=True)
class Corpora:
    """The items of every split, before they are put into words."""

    xnli: Mapping[str, Sequence[Item]]
    paws_x: Mapping[str, Sequence[Item]]

    @property
    def pairs(self) -> frozenset[Pair]:
        """Every pair of a split, which the pretraining text must not hold."""
        splits = (*self.xnli.values(), *self.paws_x.values())
        return frozenset((one.premise, one.hypothesis) for items in splits for one in items)


def draw_corpora(lexicon: Lexicon) -> Corpora:
    """Draw all splits, no sentence in two of test, validation and the rest.

    Train and the PAWS-X-shaped splits may share a sentence, and no pair.
    """
    rng = Random(SEED)
    xnli: dict[str, list[Item]] = {}
    taken: set[Sentence] = set()
    for split, per_label in PER_LABEL.items():
        xnli[split] = draw_balanced(lexicon, rng, per_label=per_label, avoid=taken)
        if split != "train":
            taken |= {text for one in xnli[split] for text in (one.premise, one.hypothesis)}
    pairs = {(one.premise, one.hypothesis) for one in xnli["train"]}
    paws_x: dict[str, list[Item]] = {}
    for split in ("validation", "test"):
        paws_x[split] = []
        while len(paws_x[split]) < PARAPHRASES:
            item = draw_paraphrase(lexicon, rng, same=len(paws_x[split]) % 2 == 0)
            pair = (item.premise, item.hypothesis)
            if pair not in pairs and not taken & set(pair):
                pairs.add(pair)
                paws_x[split].append(item)
        rng.shuffle(paws_x[split])
    return Corpora(xnli, paws_x)


def write_hub(corpora: Corpora, grammar: Grammar, folder: Path) -> None:
    """Write both datasets under `folder`, xnli/ and paws-x/, each with its README."""
    languages = tuple(grammar.languages)
    parts = dict.fromkeys(languages, ("validation", "test")) | {
        "en": ("train", "validation", "test")
    }
    whole = _all_languages(corpora.xnli["train"], grammar)
    # The one large file: 0.37 MB instead of 0.87.
    _write(whole, folder / "xnli" / ALL, "train", compression="zstd", compression_level=19)
    for code in languages:
        for split in parts[code]:
            _write(_xnli_rows(corpora.xnli[split], grammar, code), folder / "xnli" / code, split)
        for split, items in corpora.paws_x.items():
            _write(_paws_rows(items, grammar, code), folder / "paws-x" / code, split)
    xnli_parts = {ALL: ("train",), **parts}
    _write_readme(folder / "xnli", xnli_parts, "XNLI", "premise, hypothesis, label")
    paws_parts = {code: tuple(corpora.paws_x) for code in languages}
    _write_readme(folder / "paws-x", paws_parts, "PAWS-X", "id, sentence1, sentence2, label")


def _xnli_rows(items: Iterable[Item], grammar: Grammar, language: str) -> pa.Table:
    rows = list(items)
    columns = {
        "premise": pa.array([grammar.sentence(one.premise, language) for one in rows]),
        "hypothesis": pa.array([grammar.sentence(one.hypothesis, language) for one in rows]),
        "label": pa.array([one.label for one in rows], pa.int64()),
    }
    return _with_features(pa.table(columns), LABELS)


def _all_languages(items: Sequence[Item], grammar: Grammar) -> pa.Table:
    """Return the items in every language, in the two forms in which the Hub's XNLI has them."""
    codes = sorted(grammar.languages)
    premises = {
        code: pa.array([grammar.sentence(one.premise, code) for one in items]) for code in codes
    }
    hypotheses = {
        "language": pa.array([codes] * len(items)),
        "translation": pa.array(
            [[grammar.sentence(one.hypothesis, code) for code in codes] for one in items]
        ),
    }
    columns = {
        "premise": pa.StructArray.from_arrays(list(premises.values()), list(premises)),
        "hypothesis": pa.StructArray.from_arrays(list(hypotheses.values()), list(hypotheses)),
        "label": pa.array([one.label for one in items], pa.int64()),
    }
    features = {
        "premise": {"languages": codes, "_type": "Translation"},
        "hypothesis": {
            "languages": codes,
            "num_languages": len(codes),
            "_type": "TranslationVariableLanguages",
        },
    }
    return _with_features(pa.table(columns), LABELS, others=features)


def _paws_rows(items: Iterable[Item], grammar: Grammar, language: str) -> pa.Table:
    rows = list(items)
    columns = {
        "id": pa.array(range(1, len(rows) + 1), pa.int32()),
        "sentence1": pa.array([grammar.sentence(one.premise, language) for one in rows]),
        "sentence2": pa.array([grammar.sentence(one.hypothesis, language) for one in rows]),
        "label": pa.array([int(one.label == 0) for one in rows], pa.int64()),
    }
    return _with_features(pa.table(columns), ("0", "1"))


def _with_features(
    table: pa.Table, names: Sequence[str], *, others: Mapping[str, object] | None = None
) -> pa.Table:
    """Note the label names in the schema, where `load_dataset` reads them, and what is no value."""
    features: dict[str, object] = {
        field.name: {"dtype": str(field.type), "_type": "Value"} for field in table.schema
    }
    features |= others or {}
    features["label"] = {"names": list(names), "_type": "ClassLabel"}
    note = json.dumps({"info": {"features": features}})
    return table.replace_schema_metadata({"huggingface": note})


def _write(
    table: pa.Table,
    folder: Path,
    split: str,
    *,
    compression: str = "snappy",
    compression_level: int | None = None,
) -> None:
    with atomic(folder / f"{split}-00000-of-00001.parquet") as temporary:
        pq.write_table(
            table, temporary, compression=compression, compression_level=compression_level
        )


def _write_readme(
    folder: Path, parts: Mapping[str, Sequence[str]], name: str, columns: str
) -> None:
    lines = ["---", "license: apache-2.0", "configs:"]
    for code, splits in parts.items():
        lines += [f"- config_name: {code}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {code}/{split}-*.parquet"]
    lines += [
        "---",
        f"# A miniature in the shape of {name}",
        "",
        f"Columns: {columns}. Row i of each language says what row i of the others says. The text",
        "is generated from `data/pocket/lexicon.csv` and `data/pocket/grammar.yaml`; it is not",
        f"{name}, and no sentence of {name} is in it. See `data/pocket/README.md`.",
        "",
    ]
    write_text("\n".join(lines), folder / "README.md")
