"""config.json and model.safetensors -> a backbone."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.artifacts import read_object
from pipeline.backbone.backbone import Backbone
from pipeline.backbone.files import source_path
from pipeline.backbone.xlm_roberta import XlmRoberta
from pipeline.errors import InputError
from pipeline.files import Stamp, reading, sha256, stamp
from pipeline.params.strict import Strictly, parse, shown

ARCHITECTURES: Mapping[str, type[XlmRoberta]] = {
    "xlm-roberta": XlmRoberta,
    "roberta": XlmRoberta,
    "camembert": XlmRoberta,
}
"""The architectures of our own encoder by `model_type` in config.json."""

KEY = "mpt"
"""The key of config.json that holds a `Form`; `transformers` ignores it."""


class Form(Strictly):
    """How a backbone is computed, if not by our own encoder with its head.

    Attributes:
        implementation: our own encoder, or the class of `transformers`.
        head: whether there is a masked language model's head.
        separator: the token after which token types change from 0 to 1; None without types.
    """

    implementation: Literal["own", "transformers"] = "own"
    head: bool = True
    separator: int | None = None


def write_form(folder: Path, form: Form) -> None:
    """Put a form into config.json of an unfinished folder; the usual one needs no entry."""
    path = folder / "config.json"
    config = read_object(path)
    if form == Form() and KEY not in config:
        return
    path.write_text(json.dumps(config | {KEY: form.model_dump()}, indent=2) + "\n", "utf-8")


def empty_backbone(folder: Path, *, place: str = "") -> Backbone:
    """Return the backbone that config.json describes, with shapes in place of weights.

    `place` is where somebody chose the architecture, by default config.json.

    Raises:
        InputError: the file is missing or broken, or the architecture or one of its settings is
            not supported.
    """
    form, config = _form(folder)
    with torch.device("meta"):
        if form.implementation == "own":
            backbone: Backbone = _own(folder, config, place=place)
        else:
            from pipeline.backbone.masked_lm import outline

            backbone = outline(folder, separator=form.separator, place=str(folder))
    if not form.head:
        backbone.drop_head()
    return backbone


def load_backbone(folder: Path, *, place: str = "", head: bool = True) -> Backbone:
    """Load a backbone in float32 and evaluation mode, without drawing a random number.

    Our own encoder's weights are mapped into memory: a page is read when used and copied when
    trained. Without `head`, the head is left out.

    Raises:
        InputError: as in `empty_backbone`, or the weights are broken or do not fit config.json.
    """
    form, _ = _form(folder)
    head = head and form.head
    if form.implementation == "own":
        backbone = empty_backbone(folder, place=place)
        if not head:
            backbone.drop_head()
        fill(backbone, folder, tied=backbone.tied)
        return backbone.eval()
    from pipeline.backbone.masked_lm import MaskedLm, read_model

    model = read_model(folder, place=str(folder), head=head)
    backbone = MaskedLm(model, separator=form.separator)
    if not head:
        backbone.drop_head()
    return backbone.eval()


def _form(folder: Path) -> tuple[Form, Mapping[str, Any]]:
    """Return how a backbone is computed, and its config.json."""
    path = folder / "config.json"
    if not path.exists():
        raise InputError(f"{folder}: expected a backbone (stage backbone), found none")
    config = read_object(path)
    return parse(Form, config.get(KEY, {}), place=f"{path}: {KEY}"), config


def _own(folder: Path, config: Mapping[str, Any], *, place: str) -> XlmRoberta:
    architecture = ARCHITECTURES.get(str(config.get("model_type")))
    if architecture is None:
        raise unsupported(config.get("model_type"), place=place or str(folder / "config.json"))
    settings = parse(architecture.settings_type, config, place=str(folder / "config.json"))
    return architecture(settings)


def fill(module: nn.Module, folder: Path, *, tied: Mapping[str, str]) -> None:
    """Give a module the weights in a folder, in float32; `tied` names those that share one.

    Raises:
        InputError: the weights are broken, or one is missing or of another shape.
    """
    weights = _tied(_read_weights(folder / "model.safetensors"), tied)
    unfit = [
        name
        for name, expected in module.state_dict().items()
        if name not in weights or weights[name].shape != expected.shape
    ]
    if unfit:
        raise InputError(
            f"{folder}: expected weights that fit config.json, found none for "
            f"{', '.join(unfit[:3])}" + (", ..." if len(unfit) > 3 else "")
        )
    # Further weights of a checkpoint (a pooler, position numbers) are not needed.
    module.load_state_dict(weights, strict=False, assign=True)


def digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of files in a backbone's folder, by name."""
    return {name: sha256(folder / name) for name in names}


def require_recorded(folder: Path, recorded: Mapping[str, str]) -> None:
    """Raise an InputError if a file in a backbone's folder has other bytes than was recorded.

    A process that runs many cells reads a file once, and again after it has changed.
    """
    for name, wanted in recorded.items():
        path = folder / name
        with reading(path, "a file of a backbone", expected="a file of the backbone"):
            found = _sha256(path, stamp(path))
        if found != wanted:
            raise InputError(
                f"{path}: expected the SHA-256 {wanted[:12]} of {source_path(folder)}, found "
                f"{found[:12]} (stage backbone)"
            )


@lru_cache
def _sha256(path: Path, stamped: Stamp | None) -> str:
    del stamped  # part of the cache's key
    return sha256(path)


def unsupported(model_type: object, *, place: str) -> InputError:
    """Return the error about a model whose `model_type` is not in ARCHITECTURES."""
    return InputError(
        f"{place}: expected a masked language model of the XLM-R family "
        f"(model_type {', '.join(ARCHITECTURES)} in config.json), found {shown(model_type)}"
    )


def _read_weights(path: Path) -> dict[str, nn.Parameter]:
    with reading(path, "weights as safetensors", expected="weights as safetensors"):
        try:
            tensors = load_file(path)
        except SafetensorError as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{path}: expected weights as safetensors, found {reason}") from None
    floats = {name: value for name, value in tensors.items() if value.is_floating_point()}
    return {name: nn.Parameter(value.float()) for name, value in floats.items()}


def _tied(weights: Mapping[str, nn.Parameter], pairs: Mapping[str, str]) -> dict[str, Tensor]:
    """Give both names of each pair one parameter, unless the checkpoint has different values."""
    tied: dict[str, Tensor] = dict(weights)
    for pair in pairs.items():
        held = [weights[name] for name in pair if name in weights]
        if len(held) == 1 or (len(held) == 2 and torch.equal(*held)):
            tied |= dict.fromkeys(pair, held[-1])
    return tied
