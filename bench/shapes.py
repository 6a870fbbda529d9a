"""The sizes of language model that are timed, and random weights of them."""

from pathlib import Path

import torch

from pipeline.backbone.encoder import Settings


def _shape(hidden: int, layers: int, heads: int, inner: int) -> Settings:
    return Settings(
        vocab_size=250_002,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )


SHAPES = {
    "pocket": Settings(
        vocab_size=2512,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=258,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.13,
    ),
    "small": _shape(384, 12, 12, 1536),
    "base": _shape(768, 12, 12, 3072),
    "large": _shape(1024, 24, 16, 4096),
}
"""data/pocket/backbone; Multilingual MiniLM; XLM-R-base; XLM-R-large."""


def write_weights(shape: Settings, folder: Path, *, seed: int = 0) -> None:
    """Draw weights and write them as a checkpoint, which every contender reads.

    Args:
        shape: of the model.
        folder: gets config.json and model.safetensors.
        seed: of the draw.
    """
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    torch.manual_seed(seed)
    XLMRobertaForMaskedLM(XLMRobertaConfig(**shape.model_dump())).save_pretrained(folder)
