import torch

from pipeline.backbone.slots import fill_slots
from pipeline.prompting.soft_prompt import SoftPrompt


def lstm(vectors, weights, suffix):
    """One direction of an LSTM by its equations; gates in torch's order i, f, g, o."""
    w_in, w_h = weights[f"weight_ih_l0{suffix}"], weights[f"weight_hh_l0{suffix}"]
    bias = weights[f"bias_ih_l0{suffix}"] + weights[f"bias_hh_l0{suffix}"]
    h = c = torch.zeros(w_h.shape[1])
    out = []
    for x in vectors:
        i, f, g, o = (w_in @ x + w_h @ h + bias).chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        out.append(h)
    return torch.stack(out)


def bilstm(vectors, module):
    """Both directions of an LSTM of one layer, side by side."""
    weights = dict(module.named_parameters())
    backward = lstm(vectors.flip(0), weights, "_reverse").flip(0)
    return torch.cat([lstm(vectors, weights, ""), backward], dim=1)


def test_prompt_is_embedding_bilstm_and_perceptron():
    torch.manual_seed(1)
    prompt = SoftPrompt(3, 4)
    states = bilstm(prompt.embedding.weight, prompt.lstm)
    first, _, second = prompt.mlp
    before = states @ first.weight.T + first.bias
    assert (before < 0).any()  # so that ReLU matters
    expected = before.relu() @ second.weight.T + second.bias
    torch.testing.assert_close(prompt(), expected)
    assert prompt().shape == (3, 4)
    assert first.weight.shape == (4, 8)


def test_slots_are_filled_with_each_rows_prompt_and_nothing_else_changes():
    words = torch.arange(24.0).view(8, 3)
    slots = torch.tensor([-1, 0, 1, -1, 1, -1, -1, 0])
    prompt = torch.tensor([0] * 4 + [1] * 4)
    prompts = torch.tensor([[[100.0] * 3, [101.0] * 3], [[200.0] * 3, [201.0] * 3]])
    expected = words.clone()
    expected[1], expected[2] = 100, 101
    expected[4], expected[7] = 201, 200
    torch.testing.assert_close(fill_slots(words, slots, prompt, prompts=prompts), expected)


def test_gradients_of_slots_reach_only_the_prompt():
    words = torch.randn(3, 2, requires_grad=True)
    prompts = torch.randn(1, 1, 2, requires_grad=True)
    slots, prompt = torch.tensor([-1, 0, -1]), torch.zeros(3, dtype=torch.long)
    fill_slots(words, slots, prompt, prompts=prompts).sum().backward()
    assert words.grad[1].abs().sum() == 0
    assert words.grad[[0, 2]].abs().sum() > 0
    torch.testing.assert_close(prompts.grad, torch.ones(1, 1, 2))
