import math

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.bootstrap import REPLICATES, Bootstrap, interval
from pipeline.evaluation.cells import Cells


def made(right: dict[tuple[str, int, int], np.ndarray]) -> Cells:
    """Cells from what each gets right, [L, P] of 0 and 1."""
    shape = next(iter(right.values())).shape
    codes = tuple(f"l{number}" for number in range(shape[0]))
    # The gold label is always 1, so a prediction is 1 where it is right.
    predicted = {cell: bits.astype(np.int8) for cell, bits in right.items()}
    return Cells(codes, pd.RangeIndex(shape[1]), np.ones(shape, dtype=np.int8), predicted)


def ends(cells: Cells, run: str = "a", seeds: tuple[int, ...] = (1,)) -> tuple[float, float]:
    """The interval of the average."""
    low, high = interval(Bootstrap(cells).accuracies(run, 4, seeds))
    return float(low[-1]), float(high[-1])


def test_no_variance_has_no_width():
    cells = made({("a", 4, seed): np.ones((2, 50)) for seed in (1, 2)})
    assert ends(cells, seeds=(1, 2)) == (100.0, 100.0)


def test_if_pairs_never_vary_only_the_seeds_do():
    # Seed 1 gets all right, seed 2 nothing; of two drawn seeds 0, 1 or 2 are the first.
    cells = made({("a", 4, 1): np.ones((1, 50)), ("a", 4, 2): np.zeros((1, 50))})
    values = Bootstrap(cells).accuracies("a", 4, (1, 2))
    assert set(values.ravel().tolist()) == {0.0, 50.0, 100.0}
    assert (values[0] == 50.0).mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(REPLICATES))
    assert ends(cells, seeds=(1, 2)) == (0.0, 100.0)


def test_one_seed_varies_only_by_its_pairs_like_the_binomial():
    generator = np.random.default_rng(3)
    bits = generator.random((1, 3000)) < 0.4
    values = Bootstrap(made({("a", 4, 1): bits})).accuracies("a", 4, (1,))
    share = bits.mean()
    error = 100 * math.sqrt(share * (1 - share) / 3000)
    # The standard error of the standard deviation of 2,000 normal values is 1.6 %.
    assert values[0].std() == pytest.approx(error, rel=0.06)
    low, high = interval(values)
    assert (high[0] - low[0]) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_the_same_seed_twice_is_like_one_seed():
    bits = np.random.default_rng(3).random((2, 100)) < 0.4
    cells = made({("a", 4, seed): bits for seed in (1, 2)})
    bootstrap = Bootstrap(cells)
    one, two = bootstrap.accuracies("a", 4, (1,)), bootstrap.accuracies("a", 4, (1, 2))
    assert two == pytest.approx(one)


def test_the_rows_of_a_pair_are_drawn_together():
    # Fifteen copies of a language are like one: the clusters are pairs, not rows.
    bits = np.random.default_rng(5).random((1, 400)) < 0.5
    alone, copied = (made({("a", 4, 1): np.repeat(bits, n, axis=0)}) for n in (1, 15))
    assert ends(copied) == pytest.approx(ends(alone))


def test_each_replicate_by_hand():
    # Two pairs; each is right in only one language, so the accuracies of a draw add up to 100.
    cells = made({("a", 4, 1): np.array([[1, 0], [0, 1]])})
    values = Bootstrap(cells, replicates=64).accuracies("a", 4, (1,))
    assert values.shape == (3, 64)
    assert set(values[0].tolist()) == {0.0, 50.0, 100.0}
    assert (values[0] + values[1] == 100.0).all()
    assert (values[2] == 50.0).all()


def test_runs_are_resampled_alike_so_differences_are_paired():
    generator = np.random.default_rng(0)
    base = generator.random((1, 500)) < 0.5
    ahead = base.copy()
    ahead[0, np.flatnonzero(~base[0])[:10]] = True
    cells = made({("a", 4, 1): ahead, ("b", 4, 1): base})
    bootstrap = Bootstrap(cells)
    ours, theirs = (bootstrap.accuracies(run, 4, (1,)) for run in ("a", "b"))
    # The first is right wherever the second is, so it is never behind.
    assert ((ours - theirs) >= 0).all()
    (low,), (high,) = interval((ours - theirs)[:1])
    unpaired = Bootstrap(cells, seed=1).accuracies("b", 4, (1,))
    (apart_low,), (apart_high,) = interval((ours - unpaired)[:1])
    assert low <= 2.0 <= high
    assert high - low < (apart_high - apart_low) / 3


def test_covers_the_truth_about_as_often_as_it_says():
    # One seed, truth 50 %: 95 % of 200 samples are covered, give or take 3 x 1.5 %.
    generator = np.random.default_rng(11)
    covered = 0
    for _ in range(200):
        bits = generator.random((1, 120)) < 0.5
        low, high = interval(
            Bootstrap(made({("a", 4, 1): bits}), replicates=400).accuracies("a", 4, (1,))
        )
        covered += low[0] <= 50.0 <= high[0]
    assert 0.90 <= covered / 200 <= 0.99


def test_the_same_numbers_every_time():
    cells = made({("a", 4, 1): np.random.default_rng(0).random((2, 30)) < 0.5})
    one, two = (Bootstrap(cells).accuracies("a", 4, (1,)) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.shape == (3, REPLICATES)


def test_level_runs_differ_by_exactly_zero():
    bits = np.random.default_rng(7).random((15, 300)) < 0.7
    # The same answers, in other languages.
    cells = made({("a", 4, 1): bits, ("b", 4, 1): bits[::-1]})
    bootstrap = Bootstrap(cells)
    ours, theirs = (bootstrap.accuracies(run, 4, (1,))[-1] for run in ("a", "b"))
    assert np.array_equal(ours, theirs)
