import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backbone import layout as file
from pipeline.backbone.layout import make_layout

CPU = torch.device("cpu")


GPU = torch.device("meta")
"""Stands for a device that is no CPU."""


def test_rows_of_similar_length_are_a_block_padded_to_a_multiple_of_eight():
    layout = make_layout(torch.tensor([9, 3, 11, 4]), CPU)
    assert layout.blocks == [(2, 16), (1, 4), (1, 3)]
    assert layout.positions.tolist() == [*range(9), *range(3), *range(11), *range(4)]
    assert layout.order.tolist() == [2, 0, 3, 1]
    assert layout.places.tolist() == [1, 3, 0, 2]
    assert layout.to_padded.tolist() == [*range(16, 25), *range(36, 39), *range(11), *range(32, 36)]
    assert [mask.sum(1).tolist() for mask in layout.masks()] == [[11, 9], [4], [3]]
    assert layout.padded


def test_on_other_devices_all_rows_are_one_block(monkeypatch):
    monkeypatch.setattr(file, "moved", lambda device, *tensors: tensors)
    assert make_layout(torch.tensor([9, 3, 11, 4]), GPU).blocks == [(4, 16)]


def test_rows_of_one_length_are_not_padded():
    layout = make_layout(torch.tensor([5, 5]), CPU)
    values = torch.randn(10, 2)
    assert not layout.padded
    (rows,) = layout.spread(values)
    assert torch.equal(rows, values.view(2, 5, 2))
    assert torch.equal(layout.gather([rows]), values)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_spread_values_are_in_their_rows_and_are_gathered_again(lengths):
    layout = make_layout(torch.tensor(lengths), CPU)
    values = torch.arange(sum(lengths), dtype=torch.float32)[:, None]
    blocks = layout.spread(values)
    padded = [row for rows in blocks for row in rows]
    expected = values.split(lengths)
    for row, place in zip(range(len(lengths)), layout.places.tolist(), strict=True):
        assert torch.equal(padded[place][: lengths[row]], expected[row])
    assert torch.equal(layout.gather(blocks), values)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_values_of_rows_are_with_their_rows_and_come_back_in_order(lengths):
    layout = make_layout(torch.tensor(lengths), CPU)
    firsts = torch.tensor([sum(lengths[:row]) for row in range(len(lengths))])
    tokens = torch.arange(sum(lengths))[:, None]
    for rows, values in zip(layout.spread(tokens), layout.by_block(firsts[:, None]), strict=True):
        assert torch.equal(rows[:, :1], values)
    assert torch.equal(layout.by_row(layout.by_block(firsts[:, None])), firsts[:, None])


@pytest.mark.parametrize("lengths", [[3, 7, 2], [4, 4], [9, 8, 3]])
def test_gradients_are_those_of_indexing(lengths):
    layout = make_layout(torch.tensor(lengths), CPU)
    values = torch.randn(sum(lengths), 3, dtype=torch.float64, requires_grad=True)
    weights = [torch.randn(*shape, 3, dtype=torch.float64) for shape in layout.blocks]

    def through_rows(values):
        # As in attention, nothing is learned from padding.
        blocks = [
            (rows * weight).masked_fill(~is_token[..., None], 0.0).cumsum(1)
            for rows, weight, is_token in zip(
                layout.spread(values), weights, layout.masks(), strict=True
            )
        ]
        return layout.gather(blocks)

    assert torch.autograd.gradcheck(through_rows, (values,))


def test_gradients_of_rows_by_block_are_only_copied():
    layout = make_layout(torch.tensor([3, 9, 1]), CPU)
    values, weights = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    with torch.profiler.profile() as profile:
        (layout.by_row(layout.by_block(values)) * weights).sum().backward()
    assert torch.equal(values.grad, weights)
    assert not [event.key for event in profile.key_averages() if "index_add" in event.key]
