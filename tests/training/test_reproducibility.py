import pytest
import torch

from pipeline.training.reproducibility import SMALL, set_threads


@pytest.fixture(autouse=True)
def torch_with_three_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("parameters", "variable", "threads", "at_once"),
    [(SMALL - 1, None, 1, 3), (SMALL, None, 3, 1), (SMALL - 1, "3", 3, 1)],
)
def test_a_small_model_uses_one_thread_and_leaves_the_others(
    parameters, variable, threads, at_once, monkeypatch
):
    if variable:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert set_threads(parameters) == at_once
    assert torch.get_num_threads() == threads
