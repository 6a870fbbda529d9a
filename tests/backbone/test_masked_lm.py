"""XLM-R's form through our own encoder and through the class of transformers: the same numbers."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from pipeline.backbone.checkpoint import Form, load_backbone, write_form
from pipeline.backbone.masked_lm import MaskedLm
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import ids_of
from pipeline.backbone.xlm_roberta import XlmRoberta
from pipeline.training.loop import fit
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import toys
from tests.imports import ROOT
from tests.methods.test_contract import PROBABILITIES, draw, examples

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same weights in two folders: for our own encoder, and for transformers."""
    own = toys.backbone(tmp_path_factory.mktemp("model") / "own", seed=3)
    path = own / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | NO_DROPOUT))
    general = shutil.copytree(own, own.parent / "general")
    write_form(general, Form(implementation="transformers"))
    return own, general


def both(folders, name, **changes):
    """Return a method with either implementation."""
    methods = []
    for folder in folders:
        torch.manual_seed(0)
        methods.append(build(toys.context(folder, name, **changes)))
    return methods


def trained(method):
    """Train a method for two updates, and return its losses and predictions."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(5)  # some methods draw in training
    history = fit(method, toys.training_text(), examples()[:4], generator=generator)
    return history.epochs.loss.tolist(), predict(method, examples())[PROBABILITIES].to_numpy()


def gradients(method):
    """Return the gradient of each parameter, whatever it is called, in their order."""
    return [one.grad for one in method.parameters() if one.requires_grad]


@pytest.mark.parametrize("name", toys.method_names())
def test_losses_gradients_and_predictions_are_those_of_our_own_encoder(name, folders):
    own, general = both(folders, name, training__epochs=1, training__epoch=2)
    assert isinstance(own.backbone, XlmRoberta)
    assert isinstance(general.backbone, MaskedLm)
    losses = []
    for method in (own, general):
        torch.manual_seed(5)
        loss = method.train().losses(draw(method), toys.MOMENT).total
        loss.backward()
        losses.append(loss)
    torch.testing.assert_close(*losses, **CLOSE)
    ours, theirs = gradients(own), gradients(general)
    assert len(ours) == len(theirs)
    assert any(one.any() for one in ours)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, **CLOSE)
    (ours, before), (theirs, after) = trained(own), trained(general)
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert before == pytest.approx(after, abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("at", [(2, 0, 4), ((2, 1), (), 3)], ids=["one", "several"])
def test_states_and_logits_are_read_at_the_same_positions(at, folders):
    rows = [Row(ids_of(range(5, 8)), 0), Row(ids_of([5, -1, 6, -2]), 0, 1), Row(ids_of([9] * 9), 0)]
    rows = [replace(row, read_at=place) for row, place in zip(rows, at, strict=True)]
    batch = collate(rows, pad=1, device=CPU)
    prompts, words = torch.randn(2, 2, 16), torch.tensor([7, 3])
    own, general = map(load_backbone, folders)
    torch.testing.assert_close(own.states(batch, prompts), general.states(batch, prompts), **CLOSE)
    states = own.states(batch, prompts)
    torch.testing.assert_close(own.logits(states), general.logits(states), **CLOSE)
    torch.testing.assert_close(own.logits(states, words), general.logits(states, words), **CLOSE)


def test_both_have_the_same_sizes_and_weights(folders):
    own, general = map(load_backbone, folders)
    for name in ("hidden_size", "embedding_size", "dropout", "initializer_range", "max_length"):
        assert getattr(own, name) == getattr(general, name), name
    shapes = [[one.shape for one in model.parameters()] for model in (own, general)]
    assert shapes[0] == shapes[1]
    vectors = torch.randn(2, 16)
    ours, theirs = own.checkpoint(vectors), general.checkpoint(vectors)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_loading_draws_no_random_number_and_changes_no_file(folders):
    before, (_, folder) = torch.get_rng_state(), folders
    weights = (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        for parameter in load_backbone(folder).parameters():
            parameter.add_(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert (folder / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(("which", "imported"), [(0, False), (1, True)])
def test_only_the_general_implementation_imports_transformers(which, imported, folders):
    code = f"""
import sys
from pathlib import Path
from pipeline.backbone.checkpoint import load_backbone
load_backbone(Path({str(folders[which])!r}))
print("transformers" in sys.modules)
"""
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(imported)]
