"""Adam by the function inside torch's classes Adam and AdamW, with the same numbers to the bit.

The classes import torch's compiler at their first step, for 1.5 s, and do not use it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim.adam import adam


class Group(NamedTuple):
    """Parameters with the same weight decay, and the same factor on the learning rate."""

    parameters: Sequence[Tensor]
    weight_decay: float
    factor: float


class Adam:
    """Adam, fused; weight decay is decoupled (AdamW, Loshchilov & Hutter 2019) or L2's.

    L2's is added to the gradient. Adam divides it by its own size, so a weight that has no other
    gradient moves by the learning rate, however small the decay.
    """

    def __init__(self, groups: Sequence[Group], *, decoupled: bool = True) -> None:
        self.groups, self._decoupled = groups, decoupled
        # For each parameter: updates so far, and the running means of gradient and square.
        self._moments: dict[Tensor, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        """Update every parameter that has a gradient, at its group's share of the rate."""
        for group in self.groups:
            trained = [weight for weight in group.parameters if weight.grad is not None]
            if not trained:
                continue
            updates, means, squares = zip(*map(self._moments_of, trained), strict=True)
            adam(
                trained,
                [weight.grad for weight in trained if weight.grad is not None],
                list(means),
                list(squares),
                [],
                list(updates),
                fused=True,
                decoupled_weight_decay=self._decoupled,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=learning_rate * group.factor,
                weight_decay=group.weight_decay,
                eps=1e-8,
                maximize=False,
            )

    def _moments_of(self, parameter: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if parameter not in self._moments:
            updates = torch.zeros((), device=parameter.device)
            zeros = torch.zeros_like(parameter)
            self._moments[parameter] = updates, zeros, zeros.clone()
        return self._moments[parameter]
