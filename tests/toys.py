"""Small real things to test with: tokenizers, backbones, datasets, parameters."""

import json
import re
from copy import deepcopy
from importlib import import_module
from pathlib import Path

import pandas as pd
import torch
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.tokens import Pieces, load_pieces
from pipeline.params import runs
from pipeline.params.strict import parse
from pipeline.params.whole import Params
from pipeline.training.method import Context, Moment
from pipeline.training.text import Labelled, Parallel, TrainingText
from tests.imports import ROOT

SHIPPED = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))["methods"]
TARGETS = ("de", "sw", "zh")
TEXT = (
    "yes maybe no right wrong . ? : Question Answer Frage Antwort Swali Jibu 问题 答案 "
    "a dog sleeps an animal the cat runs not here there two men play "
)
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
OTHER_SPECIALS = ("<pad>", "<mask>", "<unk>", "</s>", "<s>")
"""An order of special tokens that is not XLM-R's."""
INPUTS = {
    "teacher": "hub/backbone",  # of the toy project
    "unlabelled": str(ROOT / "tests/methods/added/unlabelled.txt"),
}
"""A file or folder for each input that methods read."""
MOMENT = Moment(update=0, updates=1, epoch=1)
"""Of an update by itself."""
PARAMS = """
datasets: {xnli: {path: hub/xnli}, paws_x: {path: hub/paws-x, splits: [validation]}}
backbone: {path: hub/backbone}
fewshot: {source: sample, split_seed: 0, per_seed: false}
paws15: {pairs: 9, seed: 0, assignment: balanced, engine: dataset, languages: all}
ablations: {runs: [], shots: [], seeds: []}
sweeps: {runs: [], shots: [], seeds: []}
matched: {runs: [], shots: [], seeds: []}
comparison: {reference: mpt, baseline: sp, table2: {}}
training:
  {epochs: 2, batch_size: 4, learning_rate: 0.001, weight_decay: 0.01, clip: 1.0, max_length: 64,
   precision: float32, selection: best_dev, epoch: longest}
template:
  {position: suffix, verbalizer: {entailment: "yes", neutral: maybe, contradiction: "no"}}
"""


def tokenizer(*, specials: tuple[str, ...] = SPECIALS, text: str = TEXT, size: int = 600):
    """Return a tokenizer that falls back to bytes, whose special ids are in the order given."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = [*specials, *bytes_]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=tokens, show_progress=False)
    made.train_from_iterator([text] * 20, trainer)
    made = without_added(made, specials)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(name, made.token_to_id(name)) for name in ("<s>", "</s>")],
    )
    names = {"unk_token": "<unk>", "pad_token": "<pad>"}
    names |= dict.fromkeys(("bos_token", "cls_token"), "<s>")
    names |= dict.fromkeys(("eos_token", "sep_token"), "</s>")
    mask = AddedToken("<mask>", lstrip=True, special=True)
    return PreTrainedTokenizerFast(tokenizer_object=made, mask_token=mask, **names)


def without_added(made: Tokenizer, kept: tuple[str, ...]) -> Tokenizer:
    """Return a tokenizer whose special tokens are only those kept.

    The trainer takes bytes only as special tokens, which they are in no real tokenizer.
    """
    content = json.loads(made.to_str())
    content["added_tokens"] = [one for one in content["added_tokens"] if one["content"] in kept]
    return Tokenizer.from_str(json.dumps(content))


def pieces(made: PreTrainedTokenizerFast):
    """Return the pieces of a tokenizer."""
    return Pieces(made.backend_tokenizer, mask=made.mask_token, pad=made.pad_token)


def backbone(folder: Path, *, made=None, hidden: int = 16, positions: int = 130, seed: int = 0):
    """Write a tiny masked language model with random weights, and return its folder."""
    made = made or tokenizer()
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=len(made) + 3,
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=positions,
        type_vocab_size=1,
        layer_norm_eps=1e-3,
        initializer_range=0.2,
        pad_token_id=made.pad_token_id,
        bos_token_id=made.bos_token_id,
        eos_token_id=made.eos_token_id,
    )
    model = XLMRobertaForMaskedLM(config)
    return save(model, made, folder)


def save(model: PreTrainedModel, made: PreTrainedTokenizerFast, folder: Path) -> Path:
    """Write a new model, with biases and norms as a trained one has them, and its tokenizer."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 1:  # transformers begins with 0 and 1
                weight.add_(torch.randn(len(weight)), alpha=0.2)
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def sentences(number: int, language: str, *, start: int = 0) -> list[str]:
    """Return distinct sentences of a language."""
    words = ["dog", "cat", "animal", "two men", "the cat"]
    return [
        f"{words[n % len(words)]} {language} runs {n // len(words)}."
        for n in range(start, start + number)
    ]


def hub(folder: Path, *, train: int = 36, test: int = 12, pairs: int = 20) -> tuple[Path, Path]:
    """Write an XNLI and a PAWS-X in the Hub's layout, and return their folders."""
    for language in ("en", *TARGETS):
        for split, rows, start in (("validation", 30, 1000), ("test", test, 2000)):
            _xnli(folder / "xnli", language, split, rows, start)
        paws_x = {
            "id": range(1, pairs + 1),
            "sentence1": sentences(pairs, language, start=20_000),
            "sentence2": sentences(pairs, language, start=30_000),
            "label": [row % 2 for row in range(pairs)],
        }
        path = folder / "paws-x" / language / "validation-00000-of-00001.parquet"
        write_parquet(pd.DataFrame(paws_x), path)
    _xnli(folder / "xnli", "en", "train", train, 0)
    return folder / "xnli", folder / "paws-x"


def _xnli(folder: Path, language: str, split: str, rows: int, start: int) -> None:
    columns = {
        "premise": sentences(rows, language, start=2 * start),
        "hypothesis": sentences(rows, language, start=2 * start + rows),
        "label": [row % 3 for row in range(rows)],
    }
    path = folder / language / f"{split}-00000-of-00001.parquet"
    write_parquet(pd.DataFrame(columns), path)


def all_languages(folder: Path, *, train: int = 36, files: int = 2, group: int = 5) -> None:
    """Write `hub`'s `train` training pairs in all languages, as `datasets` writes them on the Hub.

    They go into `files` files, with `group` rows per row group.
    """
    import datasets

    datasets.disable_progress_bars()
    codes = sorted(("en", *TARGETS))
    premises = {code: sentences(train, code) for code in codes}
    hypotheses = {code: sentences(train, code, start=train) for code in codes}
    rows = {
        "premise": [{code: premises[code][row] for code in codes} for row in range(train)],
        "hypothesis": [
            {"language": codes, "translation": [hypotheses[code][row] for code in codes]}
            for row in range(train)
        ],
        "label": [row % 3 for row in range(train)],
    }
    columns = {
        "premise": datasets.Translation(languages=codes),
        "hypothesis": datasets.TranslationVariableLanguages(languages=codes),
        "label": datasets.ClassLabel(names=["entailment", "neutral", "contradiction"]),
    }
    whole = datasets.Dataset.from_dict(rows, features=datasets.Features(columns))
    (folder / "all_languages").mkdir(parents=True, exist_ok=True)
    for part in range(files):
        name = f"all_languages/train-{part:05}-of-{files:05}.parquet"
        whole.shard(files, part, contiguous=True).to_parquet(folder / name, batch_size=group)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame, and its folder if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)


def method_names() -> list[str]:
    """Return every method: those of params.yaml in its order, then the others."""
    names = {path.stem for path in runs.METHODS.glob("[a-z]*.py")}
    return [name for name in SHIPPED if name in names] + sorted(names - {*SHIPPED})


def entry(method: str) -> dict:
    """Return a method's entry: its defaults, or params.yaml's values if a key has no default."""
    module = import_module(f"pipeline.methods.{method}")
    if any(map(FieldInfo.is_required, module.Settings.model_fields.values())):
        return deepcopy(SHIPPED[method])
    inputs = {name: INPUTS[name] for name in module.Model.reads(module.Settings())}
    return {"method": method} | ({"inputs": inputs} if inputs else {})


def contributed() -> tuple[str, dict]:
    """Return the file and the entry of CONTRIBUTING's new method, `plain`."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,), (block,) = (
        re.findall(rf"```{k}\n(.*?)```", text, re.DOTALL) for k in ("python", "yaml")
    )
    return code, YAML(typ="safe").load(block.partition("methods:\n")[2])["plain"]


def params(**changes: object) -> dict:
    """Return params.yaml's values for the toys, dotted keys changed (`training__epochs=1`)."""
    values: dict = YAML(typ="safe").load(PARAMS)
    values["languages"] = {"source": "en", "targets": list(TARGETS)}
    values["grid"] = {"runs": method_names(), "shots": [1, 2], "seeds": [1, 2]}
    values["methods"] = {name: entry(name) for name in method_names()}
    for dotted, value in changes.items():
        *path, key = dotted.split("__")
        block = values
        for part in path:
            block = block[part]
        block[key] = value
    return values


def write_params(values: dict, path: Path) -> None:
    """Write params.yaml."""
    with path.open("w", encoding="utf-8") as file:
        yaml = YAML()
        yaml.default_flow_style = False
        yaml.dump(values, file)


def run(**settings: object):
    """Return the run `other` with these settings."""
    return parse(Params, params(methods__other=settings), place="params.yaml").run("other")


def context(folder: Path, run: str = "mpt", *, known: Path | None = None, **changes: object):
    """Return the context of a run with a backbone; `changes` are those of `params`."""
    values = params(**changes)
    for own in filter(None, (one.get("inputs") for one in values["methods"].values())):
        own.update({key: str(folder) for key, path in own.items() if path == "hub/backbone"})
    made = parse(Params, values, place="params.yaml")
    pieces = load_pieces(folder, known=known)
    return Context(made.run(run), made.languages, load_backbone(folder), pieces)


def training_text(labelled: int = 6, parallel: int = 6):
    """Return a few labelled and parallel pairs."""
    return TrainingText(
        [Labelled(f"a dog runs {n}.", f"the cat sleeps {n}", n % 3) for n in range(labelled)],
        [
            Parallel("de", f"two men play {n}", f"a dog {n}!", f"zwei {n}", f"ein Hund {n}!")
            for n in range(parallel)
        ],
    )


def padded(rows, *, pad):
    """Return rows as transformers reads them: ids and attention mask, [B, T] each."""
    width = max(len(row.ids) for row in rows)
    ids = torch.tensor([[*row.ids, *[pad] * (width - len(row.ids))] for row in rows])
    lengths = torch.tensor([len(row.ids) for row in rows])
    return ids, (torch.arange(width) < lengths[:, None]).long()
