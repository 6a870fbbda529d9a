import math
from typing import get_args

import pytest
import torch
from torch.nn import functional

from pipeline.prompting.translator import ARCHITECTURES, Translator, make_translator
from tests.prompting.test_soft_prompt import bilstm

NAMES = get_args(Translator)


def made(name, *, length=3, hidden_size=10, seed=0):
    torch.manual_seed(seed)
    return make_translator(name, length=length, hidden_size=hidden_size)


def vectors(length=3, hidden_size=10):
    return torch.randn(length, hidden_size, generator=torch.Generator().manual_seed(7))


def test_every_value_of_the_parameter_has_its_module():
    assert set(NAMES) == {*ARCHITECTURES, "none"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linear-1", 100 + 10),
        ("linear-2", (200 + 20) + (200 + 10)),
        # In each direction four gates, each with 10 inputs, 10 states and two biases.
        ("lstm-1", 2 * 4 * 10 * (10 + 10 + 2) + (200 + 10)),
        ("lstm-2", 2 * 4 * 10 * (10 + 10 + 2) + 2 * 4 * 10 * (20 + 10 + 2) + (200 + 10)),
        # Query, key, value and output; the perceptron; two normalisations.
        ("transformer-1", 4 * 110 + (200 + 20) + (200 + 10) + 2 * 20),
        ("transformer-2", 2 * (4 * 110 + (200 + 20) + (200 + 10) + 2 * 20)),
        # Three vectors, an LSTM in both directions, 2d -> d -> d.
        ("none", 3 * 10 + 2 * 4 * 10 * (10 + 10 + 2) + (200 + 10) + (100 + 10)),
    ],
)
def test_parameters_of_each(name, expected):
    assert sum(weight.numel() for weight in made(name).parameters()) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("length", "hidden_size"), [(1, 16), (4, 128), (16, 9), (4, 768)])
def test_each_maps_m_vectors_to_m_vectors_at_any_d(name, length, hidden_size):
    translate = made(name, length=length, hidden_size=hidden_size)
    target = translate(vectors(length, hidden_size))
    assert target.shape == (length, hidden_size)
    assert torch.isfinite(target).all()


@pytest.mark.parametrize("name", NAMES)
def test_training_and_prediction_see_the_same_prompt(name):
    # No dropout anywhere. (Without gradients the CPU uses another LSTM, equal up to rounding.)
    translate, source = made(name), vectors()
    trained = translate.train()(source)
    with torch.inference_mode():
        torch.testing.assert_close(translate.eval()(source), trained, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient_the_same_to_the_last_bit_for_a_seed(name):
    gradients = []
    for _ in range(2):
        translate = made(name)
        (translate(vectors()) ** 3).sum().backward()
        gradients.append([weight.grad for weight in translate.parameters()])
    assert all(map(torch.equal, *gradients))
    assert all(gradient.any() for gradient in gradients[0])


def test_lstm_1_by_hand():
    translate, source = made("lstm-1"), vectors()
    by_hand = bilstm(source, translate.lstm) @ translate.down.weight.T + translate.down.bias
    torch.testing.assert_close(translate(source), by_hand)


def test_transformer_1_by_hand_with_two_heads():
    translate, source = made("transformer-1", hidden_size=128), vectors(3, 128)
    layer, attention = translate.layers[0], translate.layers[0].self_attn
    projected = source @ attention.in_proj_weight.T + attention.in_proj_bias
    queries, keys, values = projected.chunk(3, dim=-1)
    heads = []
    for part in (slice(0, 64), slice(64, 128)):
        scores = queries[:, part] @ keys[:, part].T / math.sqrt(64)
        heads.append(scores.softmax(-1) @ values[:, part])
    attended = torch.cat(heads, dim=-1) @ attention.out_proj.weight.T + attention.out_proj.bias
    middle = functional.layer_norm(source + attended, (128,))
    inner = (middle @ layer.linear1.weight.T + layer.linear1.bias).clamp(min=0)
    outer = inner @ layer.linear2.weight.T + layer.linear2.bias
    by_hand = functional.layer_norm(middle + outer, (128,))
    torch.testing.assert_close(translate(source), by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("hidden_size", "heads"), [(16, 1), (100, 1), (128, 2), (768, 12)])
def test_heads_divide_any_d(hidden_size, heads):
    layer = made("transformer-1", hidden_size=hidden_size).layers[0]
    assert layer.self_attn.num_heads == heads


def test_the_two_layers_of_a_transformer_do_not_start_as_copies():
    first, second = made("transformer-2").layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_all_but_the_linear_translators_translate_the_vectors_together(name):
    translate, source = made(name), vectors()
    other = source.clone()
    other[-1] += 1
    alone = torch.allclose(translate(source)[0], translate(other)[0])
    assert alone == name.startswith("linear")


def test_transformers_have_no_positions():
    translate, source = made("transformer-2"), vectors()
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(translate(source)[order], translate(source[order]))


def test_without_a_translator_the_target_prompt_is_its_own():
    translate = made("none")
    source = vectors().requires_grad_()
    target = translate(source)
    assert torch.equal(target, translate(source.detach() + 1))
    target.sum().backward()
    assert source.grad is None
    # It has its own random draw, independent of the source prompt.
    assert not torch.equal(target, made("none", seed=1)(source))
