"""A backbone from the Hub or a folder, checked and put into one form."""

import shutil
import sys
import tempfile
from pathlib import Path

import torch

from pipeline.config import Source
from pipeline.errors import InputError, RunError
from pipeline.prompting.backbone import Backbone
from pipeline.prompting.tokens import Pieces

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
"""What a backbone consists of here, whatever its source held."""


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
    from transformers import AutoModelForMaskedLM, AutoTokenizer
    from transformers.utils import logging

    place = "params.yaml: backbone"
    if not source.is_folder and (source.path.startswith((".", "/")) or source.path.count("/") > 1):
        raise InputError(f"{place}.path: expected a folder, found no {source.path}")
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    revision = None if source.is_folder else source.revision
    try:
        model = AutoModelForMaskedLM.from_pretrained(
            source.path, revision=revision, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(source.path, revision=revision)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        if "connect" in reason.lower() or "offline" in reason.lower():
            raise RunError(f"backbone: {source.path} cannot be reached: {reason}") from None
        raise InputError(
            f"{place}: expected a masked language model with a fast tokenizer at {source.path}, "
            f"found: {reason}"
        ) from None
    backbone, pieces = Backbone(model), Pieces(tokenizer)
    if len(tokenizer) > model.config.vocab_size:
        raise InputError(
            f"{place}: expected a tokenizer of at most {model.config.vocab_size} pieces as in "
            f"the model, found {len(tokenizer)}"
        )
    del pieces
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
