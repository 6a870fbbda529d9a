import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.prompting.losses import CROSS_ENTROPIES, symmetric_kl

# Four pieces of vocabulary with probabilities 1/10, 2/10, 3/10, 4/10.
LOGITS = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).log()
WORDS = torch.tensor([3, 0, 1])


# The label words have 4 + 1 + 2 tenths.
@pytest.mark.parametrize(("over", "whole"), [("vocabulary", 10), ("label_words", 7)])
def test_cross_entropy_is_the_mean_over_examples(over, whole):
    loss = CROSS_ENTROPIES[over](LOGITS.expand(2, 4), torch.tensor([0, 1]), word_ids=WORDS)
    assert loss.item() == pytest.approx(-(math.log(4 / whole) + math.log(1 / whole)) / 2)


def test_symmetric_kl_by_hand():
    p, q = [0.5, 0.5], [0.25, 0.75]
    forward = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    backward = sum(b * math.log(b / a) for a, b in zip(p, q, strict=True))
    assert (forward, backward) == pytest.approx((0.14384, 0.13081), abs=1e-5)
    loss = symmetric_kl(torch.tensor([p]).log(), torch.tensor([q]).log())
    assert loss.item() == pytest.approx(forward + backward, abs=1e-6)


@given(st.lists(st.floats(-8, 8), min_size=12, max_size=12))
def test_symmetric_kl_equals_torchs_mean_over_pairs_and_is_symmetric(values):
    logits = torch.tensor(values, dtype=torch.float64).view(2, 2, 3)
    source, target = logits.log_softmax(-1)
    kl = torch.nn.functional.kl_div
    expected = kl(target, source, log_target=True, reduction="batchmean")
    expected += kl(source, target, log_target=True, reduction="batchmean")
    assert symmetric_kl(source, target).item() == pytest.approx(expected.item(), abs=1e-9)
    assert symmetric_kl(target, source).item() == pytest.approx(expected.item(), abs=1e-9)


def test_gradients_flow_through_both_sides():
    logits = torch.randn(2, 3, 5, requires_grad=True)
    symmetric_kl(*logits.log_softmax(-1)).backward()
    assert (logits.grad.abs().sum(dim=(1, 2)) > 0).all()


def test_rows_that_are_not_pairs_are_refused():
    with pytest.raises(ValueError, match=r"found \(2, 3\) and \(1, 3\)"):
        symmetric_kl(torch.zeros(2, 3), torch.zeros(1, 3))
