"""On a machine without a GPU: no tensor of an update or of a prediction stays on the CPU.

The other device is a name that torch knows no kernels for. Fake tensors on it have shapes but no
values, and refuse operations that mix devices.
"""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from pipeline.backbone import layout, rows
from pipeline.training import method as method_file
from pipeline.training.loop import make_optimizer, update
from pipeline.training.registry import build
from tests import toys

DEVICE = "other"
# At import, since torch counts its devices when it first computes gradients.
_setup_privateuseone_for_python_backend(DEVICE)
torch.other.get_amp_supported_dtype = list  # no autocast; `full_precision` asks


@pytest.fixture
def mode(monkeypatch):
    """The mode in which tensors are fake, and batches are moved to the other device."""
    mode = FakeTensorMode()

    def moved(device, *tensors):
        with mode:
            return [torch.empty(one.shape, dtype=one.dtype, device=device) for one in tensors]

    def collate(*arguments, **options):
        with unset_fake_temporarily():  # batches are made on the CPU, from values
            return rows.collate(*arguments, **options)

    for module in (layout, rows, method_file):
        monkeypatch.setattr(module, "moved", moved)
    monkeypatch.setattr(method_file, "collate", collate)
    return mode


def moved_there(mode, method):
    """Replace what `method.to` moves: parameters and buffers."""
    copies = {}
    for module in method.modules():
        for store in (module._parameters, module._buffers):
            for name, value in store.items():
                if value is not None and value not in copies:
                    with mode:
                        copy = torch.empty(value.shape, dtype=value.dtype, device=DEVICE)
                    if isinstance(value, nn.Parameter):
                        copy = nn.Parameter(copy, requires_grad=value.requires_grad)
                    copies[value] = copy
                store[name] = copies.get(value)
    return method


def run(mode, method):
    """Make an update and a prediction; return the loss, gradients, moments and logits."""
    streams = method.streams(toys.training_text(), torch.Generator())
    drawn = {name: stream[:4] for name, stream in streams.items()}
    target = method.rows(["a dog"], ["two cats"], language="sw")
    source = method.rows(["a dog sleeps"], ["a cat"], language="en")
    moved_there(mode, method)
    with mode:
        optimizer = make_optimizer(method, method.run.training)
        loss = update(method, drawn, optimizer, learning_rate=1e-3, moment=toys.MOMENT)["loss"]
        gradients = [weight.grad for weight in method.parameters() if weight.grad is not None]
        moments = [tensor for three in optimizer._moments.values() for tensor in three]
        with torch.no_grad():
            logits = method.label_logits(method.collate(target + source))
    return [loss, *gradients, *moments, logits]


VARIANTS = [(name, {}) for name in toys.method_names()]
VARIANTS += [("mpt", {"translator": name}) for name in ("none", "lstm-1", "transformer-1")]
VARIANTS += [("pct", {"form": "released", "predict_over": "vocabulary", "optimizer": "adam_l2"})]
VARIANTS += [("mpt", {"ce_over": "label_words"}), ("mpt", {"alpha": 1.0}), ("mpt", {"alpha": 0.0})]


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=str)
def test_every_tensor_is_on_the_device_of_the_method(name, settings, toy_backbone, mode):
    changes = {f"methods__{name}__{key}": value for key, value in settings.items()}
    tensors = run(mode, build(toys.context(toy_backbone, name, **changes)))
    assert {tensor.device.type for tensor in tensors} == {DEVICE}
    assert tensors[-1].shape == (2, 3 + ("predict_over" in settings))


def test_a_tensor_on_the_cpu_is_noticed(toy_backbone, mode):
    method = build(toys.context(toy_backbone, "sp"))
    method.label_logits = lambda batch: method.logits(batch, torch.tensor([1, 2, 3]))
    with pytest.raises(RuntimeError, match="cpu"):
        run(mode, method)
