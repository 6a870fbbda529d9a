"""Attention and dropout beside torch's own."""

import pytest
import torch
from torch.nn import functional

from pipeline.backbone import attention as file
from pipeline.backbone.attention import attend, by_products, drop


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 3e-2)]
)
def test_attention_is_that_of_torch_with_the_same_gradients(dtype, tolerance, padded):
    draw = torch.Generator().manual_seed(1)
    rows = [torch.randn(3, 2, 7, 4, dtype=torch.float64, generator=draw) for _ in range(4)]
    is_token = torch.arange(7) < torch.tensor([[7], [3], [1]]) if padded else None
    mask = None if is_token is None else is_token[:, None, None]
    results = []
    for cast in (dtype, torch.float64):
        *given, weight = (values.to(cast).requires_grad_() for values in rows)
        if cast == dtype:
            attended = by_products(*given, mask=mask, dropout=0.0)
        else:
            attended = functional.scaled_dot_product_attention(*given, attn_mask=mask)
        gradients = torch.autograd.grad((attended * weight).sum(), given)
        results.append([attended, *gradients])
    for ours, exact in zip(*results, strict=True):
        torch.testing.assert_close(ours.double(), exact, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("share", [0.1, 0.37, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_share_is_dropped_and_the_rest_scaled_up_as_by_torch(share, dtype):
    torch.manual_seed(5)
    values = torch.full((401, 997), 2.0, dtype=dtype)
    ours, theirs = drop(values, share), functional.dropout(values, share)
    assert ours.dtype == dtype
    assert torch.equal(ours.unique(), theirs.unique())
    dropped = ours == 0
    error = (share * (1 - share) / values.numel()) ** 0.5
    assert abs(dropped.double().mean() - share) < 5 * error
    # Of four neighbours, which one draw decides, each is dropped as often, and by itself.
    quarters = dropped.flatten()[: values.numel() // 4 * 4].view(-1, 4).double()
    assert (quarters.mean(0) - share).abs().max() < 10 * error
    assert quarters.T.corrcoef().fill_diagonal_(0).abs().max() < 10 * values.numel() ** -0.5


def test_the_gradient_passes_where_values_were_kept():
    values = torch.ones(50, requires_grad=True)
    torch.manual_seed(2)
    dropped = drop(values, 0.4)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())


def test_nothing_is_drawn_without_dropout():
    before = torch.get_rng_state()
    assert torch.equal(drop(torch.ones(9), 0.0), torch.ones(9))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_draws_are_those_of_the_seed():
    def drawn(seed):
        torch.manual_seed(seed)
        return drop(torch.ones(99), 0.5)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize(
    ("dtype", "dropout", "slow"),
    [(torch.float32, 0.0, False), (torch.float32, 0.1, True), (torch.bfloat16, 0.0, True)],
)
def test_products_replace_the_kernel_only_where_it_is_slow(dtype, dropout, slow, monkeypatch):
    rows, calls = torch.randn(1, 1, 3, 4, dtype=dtype), []
    monkeypatch.setattr(file, "by_products", lambda *rows, **options: calls.append(options))
    attend(rows, rows, rows, is_token=None, dropout=dropout)
    assert calls == ([{"mask": None, "dropout": dropout}] if slow else [])
