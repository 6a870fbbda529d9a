"""AdamW by the function inside torch's class of that name, with the same numbers to the last bit.

The class imports torch's compiler at its first step, for 1.5 s, and does not use it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim.adamw import adamw


class Group(NamedTuple):
    """Parameters with the same weight decay."""

    parameters: Sequence[Tensor]
    weight_decay: float


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), fused."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        # For each parameter: updates so far, and the running means of gradient and square.
        self._moments: dict[Tensor, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        """Update every parameter that has a gradient."""
        for group in self.groups:
            trained = [weight for weight in group.parameters if weight.grad is not None]
            if not trained:
                continue
            updates, means, squares = zip(*map(self._moments_of, trained), strict=True)
            adamw(
                trained,
                [weight.grad for weight in trained if weight.grad is not None],
                list(means),
                list(squares),
                [],
                list(updates),
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=learning_rate,
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
