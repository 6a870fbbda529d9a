"""AdamW by the function under torch's class of that name.

The class imports torch's compiler at its first step, for 1.5 s, and uses none of it. The numbers
are the same to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim.adamw import adamw


@dataclass(frozen=True)
class Group:
    """Parameters that are decayed alike."""

    parameters: Sequence[Tensor]
    weight_decay: float


@dataclass
class _Moments:
    """What is remembered of one parameter: the updates so far and the two running means."""

    updates: Tensor
    mean: Tensor
    square: Tensor


@dataclass
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), fused."""

    groups: Sequence[Group]
    _moments: dict[Tensor, _Moments] = field(default_factory=dict)

    def forget_gradients(self) -> None:
        """Make the gradients of all parameters none."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        for group in self.groups:
            trained = [one for one in group.parameters if one.grad is not None]
            moments = [self._moments_of(one) for one in trained]
            adamw(
                trained,
                [one.grad for one in trained if one.grad is not None],
                [one.mean for one in moments],
                [one.square for one in moments],
                [],
                [one.updates for one in moments],
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=learning_rate,
                weight_decay=group.weight_decay,
                eps=1e-8,
                maximize=False,
            )

    def _moments_of(self, parameter: Tensor) -> _Moments:
        if parameter not in self._moments:
            self._moments[parameter] = _Moments(
                updates=torch.zeros((), device=parameter.device),
                mean=torch.zeros_like(parameter),
                square=torch.zeros_like(parameter),
            )
        return self._moments[parameter]
