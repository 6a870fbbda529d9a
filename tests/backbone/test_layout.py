import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backbone.layout import make_layout

CPU = torch.device("cpu")


def test_rows_are_padded_on_the_right_to_a_multiple_of_eight():
    layout = make_layout(torch.tensor([3, 9, 1]), CPU)
    assert layout.is_token.shape == (3, 16)
    assert layout.is_token.sum(1).tolist() == [3, 9, 1]
    assert layout.positions.tolist() == [0, 1, 2, *range(9), 0]
    assert layout.to_padded.tolist() == [0, 1, 2, *range(16, 25), 32]
    assert layout.padded


def test_rows_of_one_length_are_not_padded():
    layout = make_layout(torch.tensor([5, 5]), CPU)
    values = torch.randn(10, 2)
    assert not layout.padded
    assert torch.equal(layout.spread(values), values.view(2, 5, 2))
    assert torch.equal(layout.gather(layout.spread(values)), values)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_spread_values_are_in_their_rows_and_are_gathered_again(lengths):
    layout = make_layout(torch.tensor(lengths), CPU)
    values = torch.arange(sum(lengths), dtype=torch.float32)[:, None]
    rows = layout.spread(values)
    expected = values.split(lengths)
    for row, tokens, length in zip(rows, expected, lengths, strict=True):
        assert torch.equal(row[:length], tokens)
    assert torch.equal(layout.gather(rows), values)


@pytest.mark.parametrize("lengths", [[3, 7, 2], [4, 4]])
def test_gradients_are_those_of_indexing(lengths):
    layout = make_layout(torch.tensor(lengths), CPU)
    values = torch.randn(sum(lengths), 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(*layout.is_token.shape, 3, dtype=torch.float64)

    def through_rows(values):
        rows = layout.spread(values) * weights
        # As in attention, nothing is learned from padding.
        rows = rows.masked_fill(~layout.is_token[..., None], 0.0)
        return layout.gather(rows.cumsum(1))

    assert torch.autograd.gradcheck(through_rows, (values,))
