"""A backbone from the Hub or a folder, checked and written in one form."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from pipeline.artifacts import read_object
from pipeline.backbone.backbone import Backbone
from pipeline.backbone.checkpoint import (
    ARCHITECTURES,
    Form,
    empty_backbone,
    load_backbone,
    unsupported,
    write_form,
)
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import Ids, Pieces, load_pieces
from pipeline.errors import InputError
from pipeline.files import SCRATCH, note_written, unfinished, writing
from pipeline.hub.files import fetch, fetch_model
from pipeline.hub.names import BACKBONE, VOCABULARIES
from pipeline.languages import LANGUAGES
from pipeline.params.text import BackboneSource

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
"""The files of a backbone, whatever its source has."""

TOLERANCE = 1e-3
"""Between two computations of logits in float32; the logits are of the order of ten."""


def fetch_backbone(source: BackboneSource, folder: Path, *, key: str = "backbone") -> str:
    """Write the FILES of a masked language model to a folder, and return its description.

    `transformers` reads all forms of checkpoints; training reads only the one written here. The
    result is loaded again as training loads it, and its logits and tokens are compared. `key` is
    the parameter that names the source.

    Raises:
        InputError: there is no such backbone, a part of it is missing, its architecture is not
            supported, or model and tokenizer do not fit.
        RunError: the Hub cannot be reached.
    """
    from pipeline.backbone.masked_lm import read_model

    place = _place(source, key)
    original = fetch_model(source, BACKBONE, key=key)
    tokenizer = _load_tokenizer(original, place=place)
    model = read_model(original, place=place, head=source.head is None)
    form = _form(source, original, tokenizer, place=place)
    if len(tokenizer) > model.config.vocab_size:
        raise InputError(
            f"{place}: expected a tokenizer of at most {model.config.vocab_size} pieces as in "
            f"the model, found {len(tokenizer)}"
        )
    with _writing(folder), unfinished(folder.parent) as scratch:
        names = model.base_model_prefix if not form.head else ""
        kept = {name: one for name, one in model.state_dict().items() if name.startswith(names)}
        model.save_pretrained(scratch, state_dict=kept)
        write_form(scratch, form)
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


def fetch_outline(source: BackboneSource, *, key: str) -> tuple[Pieces, Backbone]:
    """Return the tokenizer of a backbone, and the backbone with shapes in place of weights.

    `key` is the parameter that names the source.

    Raises:
        InputError: there is no such backbone, its architecture is not supported, or a file other
            than its weights is missing or broken.
        RunError: the Hub cannot be reached.
    """
    place = _place(source, key)
    original = fetch(source, BACKBONE, kind="model", key=key)
    tokenizer = _load_tokenizer(original, place=place)
    with writing(SCRATCH), unfinished(SCRATCH) as scratch:
        tokenizer.save_pretrained(scratch)
        shutil.copy(original / "config.json", scratch)
        with _errors_at(place):
            write_form(scratch, _form(source, scratch, tokenizer, place=place))
            return load_pieces(scratch), empty_backbone(scratch)


def _place(source: BackboneSource, key: str) -> str:
    return f"params.yaml: {key}: {source.path}"


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
        raise InputError(f"{place}: {str(error).partition(': ')[2]}") from None


def _form(source: BackboneSource, folder: Path, tokenizer: Any, *, place: str) -> Form:  # noqa: ANN401
    """Return how a backbone is computed; raise an InputError if our own encoder cannot."""
    kind = read_object(folder / "config.json").get("model_type")
    is_own, head = kind in ARCHITECTURES, source.head is None
    if source.implementation == "own" and not is_own:
        raise unsupported(kind, place=place)
    if is_own and source.implementation != "transformers":
        return Form(head=head)
    from pipeline.backbone.masked_lm import read_config

    separator = None
    if getattr(read_config(folder, place=place), "type_vocab_size", 0) > 1:
        pair = tokenizer("a", "b", return_token_type_ids=True)
        ids, types = pair["input_ids"], pair["token_type_ids"]
        separator = ids[types.index(1) - 1] if 1 in types[1:] else None
    return Form(implementation="transformers", head=head, separator=separator)


@torch.inference_mode()
def _read_back(folder: Path, model: Any, tokenizer: Any, *, place: str) -> Backbone:  # noqa: ANN401
    """Load the written files as training does, and compare with the original."""
    with _errors_at(place):
        pieces, backbone = load_pieces(folder), load_backbone(folder)
        frame = pieces.frame
    texts = [f"{row.question}: {row.answer}{tokenizer.mask_token}" for row in LANGUAGES.values()]
    words = pieces.of(texts)
    framed = frame.start + words[0] + frame.between + words[1] + frame.end
    pair = tokenizer(texts[0], texts[1], return_token_type_ids=True)
    expected = [*tokenizer(texts, add_special_tokens=False)["input_ids"], pair["input_ids"]]
    if [list(ids) for ids in (*words, framed)] != expected:
        raise InputError(
            f"{place}: expected a tokenizer that tokenizer.json describes completely, found one "
            f"whose pieces differ from those of {type(tokenizer).__name__}"
        )
    typed = [(frame.start + ids, [0] * len(frame.start + ids)) for ids in words]
    typed.append((framed, pair["token_type_ids"]))
    _require_same_numbers(backbone, model, typed, pad=pieces.pad, place=place)
    return backbone


def _require_same_numbers(
    backbone: Backbone,
    model: Any,  # noqa: ANN401
    typed: Sequence[tuple[Ids, Sequence[int]]],
    *,
    pad: int,
    place: str,
) -> None:
    """Raise an InputError unless a backbone computes what its class does, row by row.

    `typed` are rows and their token types. Without a head, hidden states are compared.
    """
    from pipeline.backbone.masked_lm import quietly

    rows = [Row(ids[: backbone.max_length], read_at=0) for ids, _ in typed]

    def ours(some: Sequence[Row]) -> Tensor:
        states = backbone.states(collate(some, pad=pad, device=torch.device("cpu")))
        return backbone.logits(states) if backbone.has_head else states

    def theirs(row: Row, types: Sequence[int]) -> Tensor:
        inputs = {"input_ids": torch.tensor([row.ids])}
        if backbone.separator is not None:
            inputs["token_type_ids"] = torch.tensor([types[: len(row.ids)]])
        outputs: Tensor = (model if backbone.has_head else model.base_model)(**inputs)[0]
        return outputs[:, 0]

    with quietly(place):
        right = torch.cat([theirs(row, types) for row, (_, types) in zip(rows, typed, strict=True)])
        apart = float((ours(rows) - right).abs().max())
        alone = float((torch.cat([ours([row]) for row in rows]) - right).abs().max())
    if not apart < TOLERANCE:
        raise InputError(
            f"{place}: expected a model that training computes as {type(model).__name__} does, "
            f"found {'logits' if backbone.has_head else 'states'} that differ by {apart:.2g} "
            f"({'with padding' if alone < TOLERANCE else 'from embeddings in place of ids'})"
        )


def _load_tokenizer(folder: Path, *, place: str) -> Any:  # noqa: ANN401
    from transformers import AutoTokenizer

    from pipeline.backbone.masked_lm import quietly

    if not (folder / "config.json").is_file():
        raise InputError(f"{place}: expected a backbone with a config.json, found none")
    # Without any of them transformers makes a tokenizer with nothing but special tokens.
    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise InputError(f"{place}: expected a tokenizer ({VOCABULARIES[0]}), found none")
    with quietly(place):
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
