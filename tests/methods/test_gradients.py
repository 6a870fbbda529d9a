"""Gradients reach exactly the parameters that should be trained, for every method."""

from typing import get_args

import pytest
import torch

from pipeline.prompting.translator import Translator
from pipeline.training.registry import build
from tests import toys


def groups(method):
    """Names of parameters with a gradient, by the first part of the name that tells them apart."""
    found = set()
    for name, parameter in method.named_parameters():
        if parameter.grad is not None and parameter.grad.abs().sum() > 0:
            parts = name.split(".")
            found.add(".".join(parts[:2]) if parts[0] == "backbone" else parts[0])
    return found


def gradients(toy_backbone, run, **changes):
    torch.manual_seed(0)
    method = build(toys.context(toy_backbone, run, **changes)).train()
    streams = method.streams(toys.training_text(), torch.Generator().manual_seed(0))
    method.losses({name: stream[:4] for name, stream in streams.items()}).total.backward()
    return method


LM = {"backbone.encoder", "backbone.head"}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("ft", {"backbone.encoder", "head"}),
        ("sp", {*LM, "prompt"}),
        ("pct", LM),
        ("mpt", {*LM, "prompt", "translator"}),
    ],
)
def test_who_learns(toy_backbone, run, expected):
    assert groups(gradients(toy_backbone, run)) == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [("ft", {"head"}), ("sp", {"prompt"}), ("mpt", {"prompt", "translator"})],
)
def test_who_learns_over_a_frozen_backbone(toy_backbone, run, expected):
    assert groups(gradients(toy_backbone, run, training__trainable="prompt")) == expected


@pytest.mark.parametrize("run", ["ft", "sp", "pct", "mpt"])
def test_every_trainable_parameter_of_the_encoder_learns(toy_backbone, run):
    method = gradients(toy_backbone, run)
    for name, parameter in method.backbone.encoder.named_parameters():
        assert parameter.grad is not None, name


def test_fine_tuning_leaves_the_language_models_head_alone(toy_backbone):
    method = gradients(toy_backbone, "ft")
    tied = method.backbone.words.weight
    for name, parameter in method.backbone.head.named_parameters():
        assert parameter is tied or not parameter.requires_grad, name


def test_translator_learns_through_the_alignment_alone(toy_backbone):
    changes = {"methods__mpt__alpha": 1.0}
    assert groups(gradients(toy_backbone, "mpt", **changes)) == {*LM, "prompt"}
    changes = {"methods__mpt__alpha": 0.0}
    assert groups(gradients(toy_backbone, "mpt", **changes)) == {*LM, "prompt", "translator"}


@pytest.mark.parametrize("name", get_args(Translator))
def test_cross_entropy_of_a_mixed_step_does_not_reach_the_translator(toy_backbone, name):
    torch.manual_seed(0)
    method = build(toys.context(toy_backbone, "mpt", methods__mpt__translator=name)).train()
    streams = method.streams(toys.training_text(), torch.Generator())
    losses = method.losses({name: stream[:4] for name, stream in streams.items()})
    losses.parts["ce"].backward(retain_graph=True)
    assert all(one.grad is None or not one.grad.any() for one in method.translator.parameters())
    losses.parts["kld"].backward()
    assert all(one.grad.abs().sum() > 0 for one in method.translator.parameters())
