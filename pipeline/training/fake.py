"""A method without numbers: tensors with shape, type and device, whose memory is counted.

torch calls them fake. An update of a large model takes them a second, on a machine that may have
neither its memory nor its weights. Importing them takes a second too.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from pipeline.backbone.rows import Batch, Row
from pipeline.training.method import Method


class Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors on a device for as long as they live.

    Attributes:
        held: the bytes of tensors that are alive.
        peak: the most that were.
        largest: the bytes of the largest of them, which may be gone.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = self.peak = self.largest = 0
        self._device, self._known = device, WeakIdKeyDictionary()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Call an operation of torch, and note what it returns."""
        result = func(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, Tensor):
                self.note(one)
        return result

    def note(self, one: Tensor) -> None:
        """Count the memory of a tensor, which may be that of another."""
        storage = one.untyped_storage()
        if one.device.type == self._device.type and storage not in self._known:
            size = storage.nbytes()
            self._known[storage] = weakref.finalize(storage, self._free, size)
            self.held += size
            self.peak, self.largest = max(self.peak, self.held), max(self.largest, size)

    def _free(self, size: int) -> None:
        self.held -= size


@contextmanager
def faked(method: Method, device: torch.device) -> Iterator[Meter]:
    """Compute without numbers, with a method as if it were on a device, and count.

    Afterwards it has its own weights again. torch's random numbers stay as they are.
    """
    mode, meter = FakeTensorMode(allow_non_fake_inputs=True), Meter(device)
    own = [(module, *named) for module in method.modules() for named in _tensors(module)]
    state, is_training, collate = torch.get_rng_state(), method.training, method.collate

    def collated(rows: Sequence[Row]) -> Batch:
        with unset_fake_temporarily():  # batches are made from numbers
            return collate(rows)

    try:
        with mode, meter:
            copies = {id(value): _copy(value, device) for _, _, value in own}
            for module, name, value in own:
                setattr(module, name, copies[id(value)])
            # Without pinned memory, which fake tensors lack.
            vars(method).update(collate=collated, placed=lambda values: values.to(device))
            yield meter
    finally:
        for name in ("collate", "placed"):
            vars(method).pop(name, None)
        for module, name, value in own:
            setattr(module, name, value)
        method.train(is_training)
        torch.set_rng_state(state)


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(recurse=False)
    yield from module.named_buffers(recurse=False)


def _copy(value: Tensor, device: torch.device) -> Tensor:
    copy = torch.empty(value.shape, dtype=value.dtype, device=device)
    if isinstance(value, nn.Parameter):
        return nn.Parameter(copy, requires_grad=value.requires_grad)
    return copy
