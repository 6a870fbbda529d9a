"""Which files are read outside the repository: their names, in a Hub repository or a folder."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pipeline.errors import InputError
from pipeline.params.text import Fewshot, Paws15, Source
from pipeline.params.whole import Params

Kind = Literal["dataset", "model"]
"""Of a Hub repository."""

MODEL_KEY = "paws15.translation.model"
"""The parameter that names the model of engine `nllb`."""

VOCABULARIES = (
    "tokenizer.json", "sentencepiece.bpe.model", "sentencepiece.model", "spm.model", "vocab.json",
    "vocab.txt",
)  # fmt: skip
BACKBONE = (
    "config.json", *VOCABULARIES, "merges.txt", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
TRANSLATOR = (
    "config.json", "generation_config.json", "tokenizer.json", "sentencepiece.bpe.model",
    "spiece.model", "vocab.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json",
)  # fmt: skip
SAFETENSORS = ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors")
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin")
"""Repositories also hold weights for other frameworks, often gigabytes each."""


def has_safetensors(folder: Path) -> bool:
    """Return whether a model's weights are read from SAFETENSORS; if not, from PICKLES."""
    return any(folder.glob("model*.safetensors"))


def model_files(source: Source, files: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns of the files that are read of a model: `files`, and its weights."""
    return *files, *(SAFETENSORS if has_safetensors(Path(source.path)) else PICKLES)


def split_patterns(config: str, split: str) -> list[str]:
    """Return the patterns of a split's files, one or several; `config` may be a language."""
    # The number excludes other files, such as train-translations.parquet.
    return [f"{config}/{split}.*", f"{config}/{split}-[0-9]*"]


def given_translations(shots: int) -> str:
    """Return the name of the translations of a given k-shot split."""
    return f"k{shots}/train-translations.parquet"


def given_splits(fewshot: Fewshot) -> Source:
    """Return the folder of given splits, or raise InputError if there is none."""
    source = Source(path=fewshot.source)
    if not source.is_folder:
        raise InputError(
            f"params.yaml: fewshot.source: expected sample, or a folder of given splits, "
            f"found no folder {fewshot.source}"
        )
    return source


def spare_shots(params: Params) -> list[int]:
    """Return the shots of the given splits, the folders `kK/`, that no run uses, ascending.

    With `fewshot.source: sample` there are none.

    Raises:
        InputError: there is no folder of given splits.
    """
    if params.fewshot.source == "sample":
        return []
    paths = Path(given_splits(params.fewshot).path).iterdir()
    found = (re.fullmatch("k([1-9][0-9]*)", path.name) for path in paths if path.is_dir())
    return sorted({int(match[1]) for match in found if match} - {*params.used_shots})


def translations_file(paws15: Paws15) -> Path:
    """Return the file of engine `file`, or raise InputError if there is none."""
    key, file = "params.yaml: paws15.translation.file", paws15.translation.file
    if file is None:
        raise InputError(f"{key}: expected a file of translations for engine file, found nothing")
    if not Path(file).is_file():
        raise InputError(f"{key}: expected a file of translations, found no {file}")
    return Path(file)


def translation_model(paws15: Paws15) -> Source:
    """Return the model of engine `nllb`, or raise InputError unless it can never change."""
    source, key = paws15.translation.model, MODEL_KEY
    require_hub_id(source, kind="model", key=key)
    if not source.is_folder and not is_commit(source.revision):
        raise InputError(
            f"params.yaml: {key}.revision: expected a commit of {source.path} on the Hub (40 "
            f"hexadecimal digits), because a branch moves, found {source.revision or 'nothing'}"
        )
    return source


def is_commit(revision: str | None) -> bool:
    """Return whether a revision of the Hub is a whole commit, which never changes."""
    return bool(re.fullmatch("[0-9a-f]{40}", revision or ""))


def require_sources(params: Params) -> None:
    """Raise InputError if a source in params.yaml is neither a folder nor a possible Hub id."""
    datasets = params.datasets
    require_hub_id(datasets.xnli, kind="dataset", key="datasets.xnli")
    require_hub_id(datasets.paws_x, kind="dataset", key="datasets.paws_x")
    for name, source in params.sources.items():
        require_hub_id(source, kind="model", key=params.backbone_key(name))
    if params.paws15.engine == "nllb":
        translation_model(params.paws15)
    if params.fewshot.source != "sample":
        given_splits(params.fewshot)


def require_hub_id(source: Source, *, kind: Kind, key: str) -> None:
    """Raise InputError if a source is no folder, and cannot be a Hub id either."""
    is_path = source.path.startswith((".", "/", "~")) or source.path.count("/") > 1
    if is_path and not source.is_folder:
        expected = "in the Hub's layout" if kind == "dataset" else "with a model"
        raise InputError(
            f"params.yaml: {key}.path: expected a Hub id (owner/name) or a folder {expected}, "
            f"found no folder {source.path}"
        )
