from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch.testing import assert_close

from bench.plain import PlainBackbone, build_plain
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import toys


def methods(folder, run):
    """Return a run's method, and the same on the plain backbone."""
    context = toys.context(folder, run)
    plain = PlainBackbone(folder, width=context.run.training.max_length + 8)
    torch.manual_seed(0)
    fast = build(context)
    torch.manual_seed(0)
    return fast, build_plain(context, plain)


@pytest.mark.parametrize("run", ["ft", "sp", "pct", "mpt"])
def test_losses_and_gradients_are_those_of_the_fast_backbone(toy_backbone, run):
    computed = []
    for method in methods(toy_backbone, run):
        streams = method.eval().streams(toys.training_text(), torch.Generator().manual_seed(0))
        loss = method.losses(streams, toys.MOMENT).total
        loss.backward()
        computed.append([loss, method.backbone.words.weight.grad])
    for fast, plain in zip(*computed, strict=True):
        assert_close(fast, plain, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_several_positions_are_read_as_by_the_fast_backbone(toy_backbone):
    fast, plain = (method.eval() for method in methods(toy_backbone, "sp"))
    rows = fast.rows(["a dog runs", "the cat"], ["an animal sleeps here", "a"], language="de")
    rows = [replace(rows[0], read_at=(5, rows[0].read_at)), replace(rows[1], read_at=0)]
    assert_close(fast.logits(fast.collate(rows)), plain.logits(plain.collate(rows)))


def test_predictions_are_those_of_the_fast_backbone(toy_backbone):
    test = pd.DataFrame(
        {
            "language": ["en", "de"] * 40,
            "pair_id": [f"test-{n // 2}" for n in range(80)],
            "premise": toys.sentences(80, "en"),
            "hypothesis": [f"a dog {'sleeps ' * (n % 9)}" for n in range(80)],
            "label": [n % 3 for n in range(80)],
        }
    )
    fast, plain = methods(toy_backbone, "mpt")
    pd.testing.assert_frame_equal(predict(fast, test), predict(plain, test), rtol=1e-4)


def test_every_row_is_padded_to_the_width(toy_backbone):
    method = methods(toy_backbone, "mpt")[1]
    rows = method.rows(["a dog runs", "the cat"], ["an animal sleeps here", "a"], language="de")
    hidden = method.backbone.hidden(rows, method.soft_prompts())
    assert hidden.shape == (2, method.run.training.max_length + 8, 16)
