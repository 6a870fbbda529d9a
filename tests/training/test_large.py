"""Settings for large models: layers that are computed again, frozen words, rounded weights."""

import shutil

import pytest
import torch

from pipeline.backbone.checkpoint import Form, write_form
from pipeline.training.loop import fit, make_optimizer, trained_state, update
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import families, toys
from tests.commands import refusal
from tests.methods.test_contract import PROBABILITIES, draw, examples

TRAINED = [name for name in toys.method_names() if name != "untrained"]


@pytest.fixture(scope="module")
def general(toy_backbone, tmp_path_factory):
    """The toys' backbone, computed by transformers."""
    folder = shutil.copytree(toy_backbone, tmp_path_factory.mktemp("general") / "backbone")
    write_form(folder, Form(implementation="transformers"))
    return folder


@pytest.fixture(params=["own", "transformers"])
def folder(request, toy_backbone, general):
    return toy_backbone if request.param == "own" else general


def made(folder, name="mpt", **changes):
    torch.manual_seed(0)
    return build(toys.context(folder, name, **{f"training__{k}": v for k, v in changes.items()}))


def gradients(method):
    """Return the loss and the gradients of an update, with dropout, and a draw after it."""
    method.train()
    drawn = draw(method)
    torch.manual_seed(5)
    loss = method.losses(drawn, toys.MOMENT).total
    loss.backward()
    named = method.named_parameters()
    return {n: w.grad for n, w in named if w.grad is not None} | {
        "loss": loss,
        "next": torch.rand(3),
    }


@pytest.fixture
def saved():
    """A function that returns the bytes that a forward pass saves for the gradients."""

    def bytes_of(method):
        kept = {}
        weights = {one.untyped_storage().data_ptr() for one in method.parameters()}

        def note(one):
            kept[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes(), one
            return one

        drawn = draw(method.train())
        with torch.autograd.graph.saved_tensors_hooks(note, lambda one: one):
            loss = method.losses(drawn, toys.MOMENT).total
        del loss
        return sum(size for place, (size, _) in kept.items() if place not in weights)

    return bytes_of


@pytest.mark.parametrize("name", TRAINED)
def test_layers_that_are_computed_again_give_the_same_losses_and_gradients(name, folder):
    expected, found = (gradients(made(folder, name, checkpointing=on)) for on in (False, True))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-6, atol=1e-7, msg=key)


def test_they_do_so_in_bfloat16_and_with_frozen_words(folder):
    changes = {"precision": "bfloat16", "weights": "bfloat16", "trainable": "all_but_words"}
    expected, found = (gradients(made(folder, checkpointing=on, **changes)) for on in (False, True))
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-6, atol=1e-7, msg=key)


def test_what_is_computed_again_is_not_kept(folder, saved):
    usual, less = (saved(made(folder, "ft", checkpointing=on)) for on in (False, True))
    assert less < 0.75 * usual  # of two layers, our own encoder computes one again


@pytest.mark.parametrize("kind", families.FAMILIES)
def test_every_class_computes_its_layers_again(kind, tmp_path):
    folder = families.write(kind, tmp_path / "given", seed=3)
    write_form(folder, Form(implementation="transformers"))
    expected, found = (gradients(made(folder, checkpointing=on)) for on in (False, True))
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-6, msg=key)


def test_a_class_that_cannot_is_refused(general, monkeypatch):
    context = toys.context(general, "sp", training__checkpointing=True)
    monkeypatch.setattr(type(context.backbone.encoder), "supports_gradient_checkpointing", False)
    assert refusal(build, context) == (
        "params.yaml: training.checkpointing: expected false, since XLMRobertaModel of "
        "transformers cannot compute its layers again, found true"
    )


def words_of(method):
    """Return the names of the word embeddings, and of a head that shares them."""
    words = method.backbone.words.weight
    return {n for n, w in method.named_parameters(remove_duplicate=False) if w is words}


@pytest.mark.parametrize("name", TRAINED)
def test_frozen_words_stay_as_they_are_and_all_else_learns(name, folder):
    usual, method = made(folder, name), made(folder, name, trainable="all_but_words")
    trained = {n for n, w in method.named_parameters() if w.requires_grad}
    assert trained == {n for n, w in usual.named_parameters()} - words_of(method)
    assert len(words_of(method)) == (1 if name == "ft" else 2)
    before = {n: w.detach().clone() for n, w in method.named_parameters()}
    optimizer = make_optimizer(method, method.run.training)
    for _ in range(2):
        update(method, draw(method), optimizer, learning_rate=1e-3, moment=toys.MOMENT)
    moved = {n for n, w in method.named_parameters() if not torch.equal(w, before[n])}
    reached = {n for n, w in method.named_parameters() if w.grad is not None}
    assert moved == reached == trained
    assert trained_state(method).keys() == trained
    assert {id(one) for one in optimizer._moments} == {
        id(w) for w in method.parameters() if w.requires_grad
    }


def test_frozen_words_are_those_of_a_head_of_its_own_too(tmp_path):
    """Its weights are others than the embeddings, so they learn."""
    folder = families.write("rembert", tmp_path / "given", tie_word_embeddings=False)
    write_form(folder, Form(implementation="transformers"))
    method = made(folder, "sp", trainable="all_but_words")
    frozen = [n for n, w in method.named_parameters() if not w.requires_grad]
    assert len(frozen) == 1
    assert "word_embeddings" in frozen[0]


def rounded(folder, name="mpt", **changes):
    return made(folder, name, precision="bfloat16", weights="bfloat16", **changes)


@pytest.mark.parametrize("name", TRAINED)
def test_rounded_weights_and_their_moments_have_half_the_bytes(name, folder):
    method = rounded(folder, name)
    optimizer = make_optimizer(method, method.run.training)
    update(method, draw(method), optimizer, learning_rate=1e-3, moment=toys.MOMENT)
    layers = {id(w) for w in method.backbone.layers.parameters()}
    for key, weight in method.named_parameters():
        is_rounded = id(weight) in layers and weight is not method.backbone.words.weight
        expected = torch.bfloat16 if is_rounded else torch.float32
        _, mean, square = optimizer._moments[weight]
        dtypes = {one.dtype for one in (weight, weight.grad, mean, square)}
        assert dtypes == {expected}, key


@pytest.mark.parametrize("name", TRAINED)
def test_rounded_weights_give_nearly_the_same_loss_learn_and_predict(name, folder):
    usual, method = made(folder, name, precision="bfloat16"), rounded(folder, name)
    before = {n: w.detach().clone() for n, w in method.named_parameters()}
    near, loss = (gradients(one)["loss"].item() for one in (method, usual))
    assert near == pytest.approx(loss, rel=0.1)
    assert near != loss
    generator = torch.Generator().manual_seed(0)
    fit(method, toys.training_text(), examples()[:4], generator=generator)
    moved = {n for n, w in method.named_parameters() if not torch.equal(w, before[n])}
    # A norm's weight, near 1, is too coarse for a rate of 0.001.
    assert moved >= {n for n, w in method.named_parameters() if w.ndim > 1}
    found = predict(method, examples())[PROBABILITIES].to_numpy()
    assert found.sum(1) == pytest.approx(1, abs=1e-6)


def test_rounded_weights_want_computation_in_bfloat16(toy_backbone):
    line = refusal(toys.context, toy_backbone, training__weights="bfloat16")
    assert line == (
        "params.yaml: training.weights: expected float32 with precision: float32, found bfloat16"
    )
