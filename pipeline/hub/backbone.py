"""A backbone from the Hub or a folder, checked and written in one form."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from pipeline.backbone.backbone import Backbone
from pipeline.backbone.checkpoint import (
    ARCHITECTURES,
    empty_backbone,
    load_backbone,
    unsupported,
)
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import Pieces, load_pieces
from pipeline.errors import InputError
from pipeline.files import SCRATCH, note_written, unfinished, writing
from pipeline.hub.files import fetch, fetch_model
from pipeline.hub.names import BACKBONE, VOCABULARIES
from pipeline.languages import LANGUAGES
from pipeline.params.runs import PARAMS
from pipeline.params.text import Source

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
"""The files of data/backbone/, whatever the source has."""

TOLERANCE = 1e-3
"""Between two computations of logits in float32; the logits are of the order of ten."""


def fetch_backbone(source: Source, folder: Path) -> str:
    """Write the FILES of a masked language model to a folder, and return its description.

    `transformers` reads all forms of checkpoints; training reads only the one written here. The
    result is loaded again as training loads it, and its logits and tokens are compared.

    Raises:
        InputError: there is no such backbone, its architecture is not supported, or model and
            tokenizer do not fit.
        RunError: the Hub cannot be reached.
    """
    place = _place(source)
    original = fetch_model(source, BACKBONE, key="backbone")
    tokenizer = _load_tokenizer(original, place=place)
    model = _load_model(original, place=place)
    if model.config.model_type not in ARCHITECTURES:
        raise unsupported(model.config.model_type)
    if len(tokenizer) > model.config.vocab_size:
        raise InputError(
            f"{place}: expected a tokenizer of at most {model.config.vocab_size} pieces as in "
            f"the model, found {len(tokenizer)}"
        )
    with _writing(folder), unfinished(folder.parent) as scratch:
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        missing = [name for name in FILES if not (scratch / name).is_file()]
        if missing:
            raise InputError(f"{place}: expected a backbone of {', '.join(FILES)}, lacks {missing}")
        backbone = _read_back(scratch, model, tokenizer, place=place)
        folder.mkdir(exist_ok=True)
        for name in FILES:
            (scratch / name).replace(folder / name)
            note_written(folder / name)
    size = sum(parameter.numel() for parameter in backbone.parameters())
    return (
        f"{type(model).__name__}, {size / 1e6:.2f} M parameters, hidden size "
        f"{backbone.hidden_size}, {model.config.vocab_size:,} pieces, "
        f"{backbone.max_length} positions"
    )


def fetch_outline(source: Source) -> tuple[Pieces, Backbone]:
    """Return the tokenizer of a backbone, and the backbone with shapes in place of weights.

    Raises:
        InputError: there is no such backbone, its architecture is not supported, or a file other
            than its weights is missing or broken.
        RunError: the Hub cannot be reached.
    """
    place = _place(source)
    original = fetch(source, BACKBONE, kind="model", key="backbone")
    tokenizer = _load_tokenizer(original, place=place)
    with writing(SCRATCH), unfinished(SCRATCH) as scratch:
        tokenizer.save_pretrained(scratch)
        shutil.copy(original / "config.json", scratch)
        with _errors_at(place):
            return load_pieces(scratch), empty_backbone(scratch)


def _place(source: Source) -> str:
    return f"params.yaml: backbone: {source.path}"


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Name a folder in errors of the disk, also in those of safetensors."""
    with writing(folder):
        try:
            yield
        except SafetensorError as error:
            raise OSError(str(error)) from error


@contextmanager
def _errors_at(place: str) -> Iterator[None]:
    """Name `place` in errors about files of a temporary folder."""
    try:
        yield
    except InputError as error:
        path, _, message = str(error).partition(": ")
        if path == str(PARAMS):
            raise
        raise InputError(f"{place}: {message}") from None


@torch.inference_mode()
def _read_back(folder: Path, model: Any, tokenizer: Any, *, place: str) -> Backbone:  # noqa: ANN401
    """Load the written files as training does, and compare with the original."""
    with _errors_at(place):
        pieces, backbone = load_pieces(folder), load_backbone(folder)
    texts = [f"{row.question}: {row.answer}{tokenizer.mask_token}" for row in LANGUAGES.values()]
    words, frame = pieces.of(texts), pieces.frame
    framed = frame.start + words[0] + frame.between + words[1] + frame.end
    expected = tokenizer(texts, add_special_tokens=False)["input_ids"]
    expected.append(tokenizer(texts[0], texts[1])["input_ids"])
    if [list(ids) for ids in (*words, framed)] != expected:
        raise InputError(
            f"{place}: expected a tokenizer that tokenizer.json describes completely, found one "
            f"whose pieces differ from those of {type(tokenizer).__name__}"
        )
    rows = [Row((frame.start + ids)[: backbone.max_length], read_at=0) for ids in words]
    batch = collate(rows, pad=pieces.pad, device=torch.device("cpu"))
    theirs = torch.cat([model(torch.tensor([row.ids])).logits[:, 0] for row in rows])
    apart = float((backbone.logits(backbone.states(batch)) - theirs).abs().max())
    if not apart < TOLERANCE:
        raise InputError(
            f"{place}: expected a model that training computes as {type(model).__name__} does, "
            f"found logits that differ by {apart:.2g}"
        )
    return backbone


def _load_tokenizer(folder: Path, *, place: str) -> Any:  # noqa: ANN401
    from transformers import AutoTokenizer

    if not (folder / "config.json").is_file():
        raise InputError(f"{place}: expected a backbone with a config.json, found none")
    # Without any of them transformers makes a tokenizer with nothing but special tokens.
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise InputError(f"{place}: expected a tokenizer ({VOCABULARIES[0]}), found none")
    with _quietly(place):
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _load_model(folder: Path, *, place: str) -> Any:  # noqa: ANN401
    from transformers import AutoModelForMaskedLM

    with _quietly(place):
        model, report = AutoModelForMaskedLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, dtype=torch.float32,
            ignore_mismatched_sizes=True, output_loading_info=True,
        )  # fmt: skip
    # transformers fills both with random numbers, and only warns about it.
    unfit = sorted(report["missing_keys"]) + sorted(name for name, *_ in report["mismatched_keys"])
    if unfit:
        raise InputError(
            f"{place}: expected weights of {type(model).__name__} that fit config.json, found "
            f"none for {', '.join(unfit[:3])}" + (", ..." if len(unfit) > 3 else "")
        )
    return model


@contextmanager
def _quietly(place: str) -> Iterator[None]:
    """Load with transformers without its messages; its errors become one line."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # its parsers raise many kinds
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{place}: expected a masked language model with a tokenizer, found "
            f"{type(error).__name__}: {reason}"
        ) from error
