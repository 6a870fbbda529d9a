import pandas as pd
import pytest
import torch
from torch.testing import assert_close

from bench.plain import load_plain, predict_plainly
from pipeline.methods.base import Context
from pipeline.training.prediction import predict
from pipeline.training.registry import build
from tests import toys


def methods(folder, run):
    """Return a run's method, and the same on the plain backbone."""
    fast = toys.context(folder, run)
    plain = load_plain(folder, width=fast.run.training.max_length + 6)
    built = []
    for backbone in (fast.backbone, plain):
        torch.manual_seed(0)
        built.append(build(Context(fast.run, fast.languages, backbone, fast.pieces)))
    return built


@pytest.mark.parametrize("run", ["ft", "sp", "pct", "mpt"])
def test_losses_and_gradients_are_those_of_the_fast_backbone(toy_backbone, run):
    found = []
    for method in methods(toy_backbone, run):
        streams = method.eval().streams(toys.training_text(), torch.Generator().manual_seed(0))
        loss = method.losses(streams).total
        loss.backward()
        found.append([loss, method.backbone.words.weight.grad])
    for fast, plain in zip(*found, strict=True):
        assert_close(fast, plain, rtol=1e-4, atol=1e-6)


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
    pd.testing.assert_frame_equal(predict(fast, test), predict_plainly(plain, test), rtol=1e-4)
