"""AdamW by the function inside torch's class of that name, with the same numbers to the last bit.

The class imports torch's compiler at its first step, for 1.5 s, and does not use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim.adamw import adamw


@dataclass(frozen=True)
class Group:
    """Parameters with the same weight decay."""

    parameters: Sequence[Tensor]
    weight_decay: float


@dataclass
class _Moments:
    """The state of one parameter: updates so far, and the running means of gradient and square."""

    updates: Tensor
    mean: Tensor
    square: Tensor


@dataclass
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), fused."""

    groups: Sequence[Group]
    _moments: dict[Tensor, _Moments] = field(default_factory=dict)

    def forget_gradients(self) -> None:
        """Set the gradients of all parameters to None."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        """Update every parameter that has a gradient."""
        for group in self.groups:
            trained = [weight for weight in group.parameters if weight.grad is not None]
            moments = [self._moments_of(weight) for weight in trained]
            adamw(
                trained,
                [weight.grad for weight in trained if weight.grad is not None],
                [moment.mean for moment in moments],
                [moment.square for moment in moments],
                [],
                [moment.updates for moment in moments],
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
