"""Adam beside torch's own classes: the same bits."""

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from pipeline.training.optimizer import Adam, Group


def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3), nn.Linear(3, 3))


def groups(model):
    parameters = list(model.parameters())
    return [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]


def backward(model, step):
    torch.manual_seed(step)
    hidden = model[2](model[1](model[0](torch.randn(4, 5))))
    # The last layer has a gradient only in some updates.
    (model[3](hidden) if step % 3 else hidden).square().sum().backward()


@pytest.mark.parametrize(
    ("decoupled", "peer"), [(True, torch.optim.AdamW), (False, torch.optim.Adam)]
)
def test_updates_are_those_of_torch(decoupled, peer):
    ours, theirs = module(), module()
    decayed, spared = groups(ours)
    optimizer = Adam((Group(decayed, 0.01, 1.0), Group(spared, 0.0, 1.0)), decoupled=decoupled)
    decayed, spared = groups(theirs)
    reference = peer(
        [{"params": decayed, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}],
        lr=1e-2,
        fused=True,
    )
    schedule = LambdaLR(reference, lambda step: 1 / (step + 1))
    for step in range(7):
        ours.zero_grad()
        backward(ours, step)
        optimizer.update(1e-2 * (1 / (step + 1)))
        reference.zero_grad()
        backward(theirs, step)
        reference.step()
        schedule.step()
        assert all(map(torch.equal, ours.parameters(), theirs.parameters()))


def test_l2_moves_a_weight_of_no_other_gradient_by_the_learning_rate():
    weight = nn.Parameter(torch.tensor([2.0, -3.0, 0.0]))
    weight.grad = torch.zeros(3)
    Adam([Group([weight], 0.01, 1.0)], decoupled=False).update(1e-3)
    assert weight.tolist() == pytest.approx([2 - 1e-3, -3 + 1e-3, 0])


def test_parameters_without_gradients_stay():
    parameter = nn.Parameter(torch.ones(2))
    Adam([Group([parameter], 0.1, 1.0)]).update(0.1)
    assert parameter.tolist() == [1.0, 1.0]
