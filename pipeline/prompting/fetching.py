"""A backbone from the Hub or a folder, checked and put into one form."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from pipeline.blocks import Source
from pipeline.errors import InputError
from pipeline.hub import fetch
from pipeline.prompting.backbone import Backbone
from pipeline.prompting.tokens import Pieces

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
"""What a backbone consists of here, whatever its source held."""

VOCABULARIES = ("tokenizer.json", "sentencepiece.bpe.model", "vocab.json")
TOKENIZER = (
    *VOCABULARIES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
SAFETENSORS = ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors")
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin")
"""A repository holds the weights for other frameworks as well, often gigabytes each."""


def fetch_backbone(source: Source, folder: Path) -> str:
    """Load a masked language model with its tokenizer and save both in one form.

    Loading and saving again, rather than copying, turns pickled weights into safetensors and
    shows that the parts fit together before anything is trained.

    Args:
        source: a Hub id and its revision, or a folder.
        folder: where the FILES go.

    Returns:
        What was found, in a few words.

    Raises:
        InputError: there is no such backbone, it is not of the family, or model and tokenizer
            do not fit.
        RunError: the Hub cannot be reached.
    """
    place = f"params.yaml: backbone: {source.path}"
    model, tokenizer = _load(_files(source), place=place)
    backbone = Backbone(model)
    try:
        Pieces(tokenizer)
    except InputError as error:
        raise InputError(f"{place}: {str(error).partition(': ')[2]}") from None
    if len(tokenizer) > model.config.vocab_size:
        raise InputError(
            f"{place}: expected a tokenizer of at most {model.config.vocab_size} pieces as in "
            f"the model, found {len(tokenizer)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        missing = [name for name in FILES if not (Path(scratch) / name).is_file()]
        if missing:
            raise InputError(f"{place}: expected a backbone of {', '.join(FILES)}, lacks {missing}")
        for name in FILES:
            shutil.move(Path(scratch) / name, folder / name)
    size = sum(parameter.numel() for parameter in backbone.parameters())
    return (
        f"{type(model).__name__}, {size / 1e6:.2f} M parameters, hidden size "
        f"{backbone.hidden_size}, {model.config.vocab_size:,} pieces, "
        f"{backbone.max_length} positions"
    )


def _files(source: Source) -> Path:
    wanted = ("config.json", *TOKENIZER)
    folder = fetch(source, (*wanted, *SAFETENSORS), kind="model", key="backbone")
    if not any(folder.glob("model*.safetensors")):
        folder = fetch(source, (*wanted, *PICKLES), kind="model", key="backbone")
    return folder


def _load(folder: Path, *, place: str) -> tuple[Any, Any]:
    from transformers import AutoModelForMaskedLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if not (folder / "config.json").is_file():
        raise InputError(f"{place}: expected a backbone with a config.json, found none")
    # Without any of them transformers makes up a tokenizer of special tokens alone.
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise InputError(f"{place}: expected a tokenizer ({VOCABULARIES[0]}), found none")
    try:
        model, report = AutoModelForMaskedLM.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        # Whatever its parsers raise over broken JSON, cut weights, other kinds of models.
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{place}: expected a masked language model with a tokenizer, found "
            f"{type(error).__name__}: {reason}"
        ) from error
    # transformers fills both with random numbers, and says so at the level of a warning.
    unfit = sorted(report["missing_keys"]) + sorted(one[0] for one in report["mismatched_keys"])
    if unfit:
        raise InputError(
            f"{place}: expected weights of {type(model).__name__} that fit config.json, found "
            f"none for {', '.join(unfit[:3])}" + (", ..." if len(unfit) > 3 else "")
        )
    return model, tokenizer
