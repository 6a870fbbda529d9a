"""AdamW beside torch's own class: the same bits."""

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


def test_updates_are_those_of_torch():
    ours, theirs = module(), module()
    decayed, spared = groups(ours)
    optimizer = Adam((Group(decayed, 0.01), Group(spared, 0.0)))
    decayed, spared = groups(theirs)
    reference = torch.optim.AdamW(
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


def test_parameters_without_gradients_stay():
    parameter = nn.Parameter(torch.ones(2))
    Adam([Group([parameter], 0.1)]).update(0.1)
    assert parameter.tolist() == [1.0, 1.0]
