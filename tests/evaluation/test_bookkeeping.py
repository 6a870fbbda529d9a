"""Which seeds, runs and rows a number is of: seeds stay paired, and families count their tests."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.bootstrap import Bootstrap
from pipeline.evaluation.captions import table2_about
from pipeline.evaluation.cells import Cells
from pipeline.evaluation.intervals import differences, intervals
from pipeline.evaluation.significance import compare, holm, significance
from pipeline.evaluation.tables import accuracy_table, table1, table2, table2_std
from pipeline.params.grid import Comparison, Grid

# Of 8 pairs, by seed. The seeds of mpt rise where those of the others fall, so a run whose seeds
# were sorted, or taken in another order, would give other differences: 5, 1 and 0 pairs.
RIGHT = {"mpt": (6, 4, 5), "a_much_longer_name": (1, 3, 5), "sp": (1, 3, 5)}
SHOTS = (4, 16)


def made(right: dict[str, tuple[int, ...]], seeds: tuple[int, ...] = (3, 1, 2)) -> Cells:
    """Cells of one language in which each seed of a run has so many of 8 pairs right."""
    cells = {
        (run, shots, seed): np.arange(8)[None] < number
        for run, numbers in right.items()
        for shots in SHOTS
        for seed, number in zip(seeds, numbers, strict=True)
    }
    label = np.ones((1, 8), dtype=np.int8)
    return Cells(
        ("en",), pd.RangeIndex(8), label, {c: of.astype(np.int8) for c, of in cells.items()}
    )


def test_runs_of_any_name_and_shots_draw_the_same_seeds_and_pairs():
    bootstrap = Bootstrap(made(RIGHT))
    first = bootstrap.accuracies("sp", 4, (1, 2, 3))
    for run, shots in (("a_much_longer_name", 4), ("sp", 16), ("a_much_longer_name", 16)):
        assert np.array_equal(bootstrap.accuracies(run, shots, (1, 2, 3)), first)
    # Level runs are level in every draw.
    rows = differences(made(RIGHT), Bootstrap(made(RIGHT)), reference="a_much_longer_name")
    level = rows[rows["other"] == "sp"]
    assert len(level) == 2 * len(SHOTS)
    assert (level[["difference", "low", "high"]] == 0).all(axis=None)


def test_a_draw_of_seeds_takes_each_seeds_own_answers():
    # Of 1000 pairs, so the accuracy tells how often each seed was drawn.
    predicted = {
        ("a", 4, seed): (np.arange(1000)[None] < number).astype(np.int8)
        for seed, number in {7: 1, 5: 10, 9: 100}.items()
    }
    cells = Cells(("en",), pd.RangeIndex(1000), np.ones((1, 1000), dtype=np.int8), predicted)

    def drawn(*asked: tuple[int, ...]) -> np.ndarray:
        bootstrap = Bootstrap(cells, replicates=50)
        return [bootstrap.accuracies("a", 4, seeds)[0] for seeds in asked][-1]

    together, alone = drawn((5, 7, 9)), [drawn((seed,)) for seed in (5, 7, 9)]
    # Answers that are kept from an earlier question stay those of their seed.
    for earlier in ((5,), (9,), (7, 9), (9, 5)):
        assert np.array_equal(drawn(earlier, (5, 7, 9)), together)
    draws = [times for times in product(range(4), repeat=3) if sum(times) == 3]
    mixed = np.array([np.average(alone, axis=0, weights=times) for times in draws])
    nearest = np.abs(mixed - together).argmin(axis=0)
    assert together == pytest.approx(mixed[nearest, np.arange(50)])
    assert set(nearest) == set(range(len(draws)))


def test_tests_pair_each_seed_with_itself():
    cells = made(RIGHT)
    found = compare(cells, "mpt", "sp", shots=4)
    # 5, 1 and 0 of 8 pairs: mean 2, s = sqrt 7.
    seeds = found["paired_t_seeds"]
    assert (seeds.difference, seeds.n) == (25.0, 3)
    assert seeds.statistic == pytest.approx(2 / math.sqrt(7 / 3))
    # Pair by pair, over the three seeds: mpt is right in 3, 3, 3, 3, 2, 1, sp in 3, 2, 2, 1, 1.
    pairs = found["mcnemar_clustered"]
    assert pairs.statistic == pytest.approx((0 + 1 + 1 + 2 + 1 + 1) ** 2 / (0 + 1 + 1 + 4 + 1 + 1))
    assert pairs.difference == 25.0


def test_a_difference_is_resampled_seed_by_seed():
    # Seed 1 of both gets all right, seed 2 nothing: whichever seeds are drawn, they are level.
    right = {("b", 2): 0, ("mpt", 1): 8, ("mpt", 2): 0, ("b", 1): 8}
    predicted = {
        (run, 4, seed): (np.arange(8)[None] < number).astype(np.int8)
        for (run, seed), number in right.items()
    }
    cells = Cells(("en",), pd.RangeIndex(8), np.ones((1, 8), dtype=np.int8), predicted)
    rows = differences(cells, Bootstrap(cells), reference="mpt")
    assert (rows[["difference", "low", "high"]] == 0).all(axis=None)
    spread = intervals(cells, Bootstrap(cells))
    assert set(spread["low"]) == {0.0}
    assert set(spread["high"]) == {100.0}


def test_every_accuracy_is_under_its_own_seed():
    table = accuracy_table(made(RIGHT)).set_index(["run", "shots", "seed"])["accuracy"]
    for run, numbers in RIGHT.items():
        for seed, number in zip((3, 1, 2), numbers, strict=True):
            assert table[run, 16, seed] == 12.5 * number


def test_table_1_is_over_the_seeds_of_a_run_and_not_over_its_rows(cells_of):
    right = {
        ("sp", 4, seed): {"de": "1" * seed + "0" * (4 - seed), "en": "1111"} for seed in (1, 4)
    }
    accuracy = accuracy_table(cells_of(right))
    grid = Grid(runs=("sp",), shots=(4,), seeds=(1, 4))
    mean, std = (table1(accuracy, grid, statistic).iloc[0] for statistic in ("mean", "std"))
    # German 25 and 100, English 100 twice; of the averages 62.5 and 100, s = 37.5 / sqrt 2.
    assert mean[["de", "en", "avg"]].to_list() == [62.5, 100.0, 81.25]
    assert std[["de", "en", "avg"]].to_list() == pytest.approx([75 / 2**0.5, 0, 37.5 / 2**0.5])


def test_a_family_counts_only_tests_that_gave_a_p_value(cells_of):
    bits = {"mpt": ("111110", "111100"), "sp": ("110000", "110000"), "one": ("110100",)}
    right = {
        (run, 4, seed): {"en": of, "de": of[::-1]}
        for run, of_seeds in bits.items()
        for seed, of in enumerate(of_seeds, start=1)
    }
    grid = Grid(runs=("mpt", "sp", "one"), shots=(4,), seeds=(1, 2))
    table = significance(cells_of(right), {"grid": grid}, reference="mpt").set_index(
        ["test", "other"]
    )
    # With one seed there is no test over seeds, so the family has one comparison.
    seeds = table.loc["paired_t_seeds"]
    assert math.isnan(seeds.at["one", "p_holm"])
    assert seeds.at["sp", "p_holm"] == seeds.at["sp", "p_value"] < 1
    pairs = table.loc["mcnemar_clustered"]
    assert pairs["p_holm"].min() == pytest.approx(2 * pairs["p_value"].min())


def test_table_2_counts_rows_with_a_p_value_by_test(params):
    mean = pd.DataFrame(
        {"shots": 16, "p_seeds": [None, 0.2, None, None], "p_mcnemar": [None, 0.1, 0.3, 0.2]}
    )
    words = " ".join(table2_about(params, mean, pairs=9, notes=[]))
    assert "Table II at all shots: 1 with p (seeds), 3 with p (McNemar)." in words
    assert holm([math.nan, 0.02, math.nan, 0.03]) == pytest.approx(
        [math.nan, 0.04, math.nan, 0.04], nan_ok=True
    )


def test_table_2_compares_over_shared_seeds_and_corrects_each_test_by_itself(cells_of):
    right = {
        ("mpt", 4, 1): "11111000", ("mpt", 4, 2): "11110000", ("mpt", 4, 3): "11100000",
        ("sp", 4, 3): "11000000", ("sp", 4, 2): "11000000", ("sp", 4, 1): "10000000",
        ("bare", 4, 2): "11110100", ("bare", 4, 3): "11100011",
    }  # fmt: skip
    cells = cells_of({cell: {"de": of, "en": of} for cell, of in right.items()})
    comparison = Comparison(reference="mpt", baseline="sp", table2={"no-mpt": "sp", "no-t": "bare"})
    table = table2(cells, differences(cells, Bootstrap(cells), reference="mpt"), comparison, (4,))
    assert table["variant"].to_list() == ["original", "no-mpt", "no-t"]
    # mpt 5, 4 and 3 of 8; over seeds 2 and 3 it has 3.5, bare 5.
    assert table["avg"].to_list() == [50.0, 12.5 * 5 / 3, 62.5]
    assert table["difference"].to_list()[1:] == pytest.approx([50 - 12.5 * 5 / 3, 43.75 - 62.5])
    seeds = compare(cells, "mpt", "sp", shots=4)["paired_t_seeds"]
    # 4, 2 and 1 pairs: mean 7/3, s^2 = 7/3.
    assert seeds.statistic == pytest.approx(7 / 3 / math.sqrt(7 / 9))
    for test in ("p_seeds", "p_mcnemar"):
        known = table[test].iloc[1:]
        assert table[f"{test}_holm"].iloc[1:].to_list() == holm(known).tolist()
        assert (table[f"{test}_holm"].iloc[1:] >= known).all()
    assert table["p_seeds"].iloc[1] != table["p_mcnemar"].iloc[1]
    std = table2_std(cells, table, comparison)["avg"]
    # Of 62.5, 50, 37.5; of 12.5, 25, 25; of 62.5 twice.
    assert std.to_list() == pytest.approx([12.5, 12.5 / 3**0.5, 0.0])
