"""config.json and model.safetensors -> the masked language model."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.artifacts import read_json
from pipeline.backbone.encoder import MaskedLanguageModel, Settings
from pipeline.errors import InputError
from pipeline.params.strict import parse, shown

FAMILY = ("xlm-roberta", "roberta", "camembert")
"""What config.json says as `model_type`; one architecture under three names."""

TIED = {
    "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
    "lm_head.decoder.bias": "lm_head.bias",
}
"""Weights that are one. Older checkpoints hold both of a pair, newer ones either."""


def load_model(folder: Path) -> MaskedLanguageModel:
    """Load a masked language model in float32 and evaluation mode, drawing no random number.

    The file is mapped into memory: a page of it is read when it is used, and copied when it is
    trained.

    Raises:
        InputError: a file is missing or broken, the model is of another family or built in a
            way that is not supported, or the weights do not fit it.
    """
    settings = read_settings(folder / "config.json")
    weights = _tied(_read_weights(folder / "model.safetensors"), settings)
    with torch.device("meta"):
        model = MaskedLanguageModel(settings)
    unfit = [
        name
        for name, expected in model.state_dict().items()
        if name not in weights or weights[name].shape != expected.shape
    ]
    if unfit:
        raise InputError(
            f"{folder}: expected weights that fit config.json, found none for "
            f"{', '.join(unfit[:3])}" + (", ..." if len(unfit) > 3 else "")
        )
    # What a checkpoint holds beyond these (a pooler, numbers of positions) takes no part.
    model.load_state_dict(weights, strict=False, assign=True)
    return model.eval()


def read_settings(path: Path) -> Settings:
    """Read a config.json.

    Raises:
        InputError: there is none, or the model is of another family or built in a way that is
            not supported.
    """
    config = read_json(path)
    if not isinstance(config, dict):
        raise InputError(f"{path}: expected keys and values, found {shown(config)}")
    if config.get("model_type") not in FAMILY:
        names = config.get("architectures") or [config.get("model_type") or "no model_type"]
        raise not_of_the_family(str(names[0]))
    return parse(Settings, config, place=str(path))


def not_of_the_family(found: str) -> InputError:
    """Return the error about a model of another family."""
    return InputError(
        "params.yaml: backbone.path: expected a masked language model of the XLM-R family, "
        f"found {found}"
    )


def _read_weights(path: Path) -> dict[str, nn.Parameter]:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: expected weights as safetensors, found {reason}") from None
    floats = {name: value for name, value in tensors.items() if value.is_floating_point()}
    return {name: nn.Parameter(value.float()) for name, value in floats.items()}


def _tied(weights: dict[str, nn.Parameter], settings: Settings) -> dict[str, Tensor]:
    """Make one parameter of each pair that is tied.

    As in `transformers`, two that a checkpoint holds with different values stay two.
    """
    made: dict[str, Tensor] = dict(weights)
    for pair in TIED.items() if settings.tie_word_embeddings else ():
        found = [weights[name] for name in pair if name in weights]
        if len(found) == 1 or (len(found) == 2 and torch.equal(*found)):
            made |= dict.fromkeys(pair, found[-1])
    return made
