"""config.json and model.safetensors -> a backbone."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.artifacts import read_object
from pipeline.backbone.backbone import Backbone
from pipeline.backbone.files import BACKBONE_SOURCE
from pipeline.backbone.xlm_roberta import XlmRoberta
from pipeline.errors import InputError
from pipeline.files import Stamp, reading, sha256, stamp
from pipeline.params.strict import parse, shown

PLACE = "params.yaml: backbone.path"

ARCHITECTURES: Mapping[str, type[Backbone]] = {
    "xlm-roberta": XlmRoberta,
    "roberta": XlmRoberta,
    "camembert": XlmRoberta,
}
"""The supported architectures by `model_type` in config.json."""


def empty_backbone(folder: Path, *, place: str = PLACE) -> Backbone:
    """Return the backbone that config.json describes, with shapes in place of weights.

    `place` is where somebody chose the architecture.

    Raises:
        InputError: the file is missing or broken, or the architecture or one of its settings is
            not supported.
    """
    path = folder / "config.json"
    if not path.exists():
        raise InputError(f"{folder}: expected a backbone (stage backbone), found none")
    config = read_object(path)
    architecture = ARCHITECTURES.get(str(config.get("model_type")))
    if architecture is None:
        raise unsupported(config.get("model_type"), place=place)
    with torch.device("meta"):
        return architecture(parse(architecture.settings_type, config, place=str(path)))


def load_backbone(folder: Path) -> Backbone:
    """Load a backbone in float32 and evaluation mode, without drawing a random number.

    The weights are mapped into memory: a page is read when used and copied when trained.

    Raises:
        InputError: as in `empty_backbone`, or the weights are broken or do not fit config.json.
    """
    backbone = empty_backbone(folder)
    fill(backbone, folder, tied=backbone.tied)
    return backbone.eval()


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
                f"{path}: expected the SHA-256 {wanted[:12]} of {BACKBONE_SOURCE}, found "
                f"{found[:12]} (stage backbone)"
            )


@lru_cache
def _sha256(path: Path, stamped: Stamp | None) -> str:
    del stamped  # part of the cache's key
    return sha256(path)


def unsupported(model_type: object, *, place: str = PLACE) -> InputError:
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
