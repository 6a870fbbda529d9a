import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.prompting.losses import CROSS_ENTROPIES, info_nce, symmetric_kl

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


# Cosine similarities, [source, target]: 1 and 0.6, 0 and 0.8.
SOURCES = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
TARGETS = torch.tensor([[5.0, 0.0], [0.6, 0.8]])


def test_info_nce_by_hand():
    # Divided by 0.5, each row's own parallel leads by 0.8 and 1.6 (sources), 2.0 and 0.4 (targets).
    expected = sum(math.log(1 + math.exp(-lead)) for lead in (0.8, 1.6, 2.0, 0.4)) / 4
    assert expected == pytest.approx(0.29874, abs=1e-5)
    loss = info_nce(SOURCES, TARGETS, temperature=0.5)
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_info_nce_is_symmetric_and_independent_of_the_order_of_pairs():
    source, target = torch.randn(2, 5, 8, dtype=torch.float64)
    loss = info_nce(source, target, temperature=0.05)
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(info_nce(source[order], target[order], temperature=0.05), loss)
    torch.testing.assert_close(info_nce(target, source, temperature=0.05), loss)
    # With other partners it is another number.
    assert not torch.isclose(info_nce(source, target[order], temperature=0.05), loss)


def test_the_positive_of_a_row_is_only_its_own_parallel():
    # Row 0 has no likeness to its parallel, and row 1 is exactly its own: a positive that sums the
    # diagonal would hide the mistake of row 0.
    source, target = torch.eye(3)[:2], torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    # Logits 0 and 0, then 0 and 2, in both directions.
    expected = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    assert info_nce(source, target, temperature=0.5).item() == pytest.approx(expected, abs=1e-6)


def test_one_pair_has_no_negatives_and_no_loss():
    states = torch.randn(2, 1, 8, requires_grad=True)
    loss = info_nce(*states, temperature=0.05)
    loss.backward()
    assert loss.item() == 0
    assert not states.grad.any()


LOSSES = {
    "kl": lambda source, target: symmetric_kl(source.log_softmax(-1), target.log_softmax(-1)),
    "contrastive": lambda source, target: info_nce(source, target, temperature=0.05),
}


@pytest.mark.parametrize("alignment", LOSSES)
def test_gradients_flow_through_both_sides(alignment):
    rows = torch.randn(2, 3, 5, requires_grad=True)
    LOSSES[alignment](*rows).backward()
    assert (rows.grad.abs().sum(dim=(1, 2)) > 0).all()


@pytest.mark.parametrize("alignment", LOSSES)
def test_rows_that_are_not_pairs_are_refused(alignment):
    with pytest.raises(ValueError, match=r"found \(2, 3\) and \(1, 3\)"):
        LOSSES[alignment](torch.zeros(2, 3), torch.zeros(1, 3))
