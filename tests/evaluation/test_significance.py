import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from pipeline.evaluation.significance import (
    Outcome,
    holm,
    mcnemar_clustered,
    paired_t,
    paper_independent_t_16_columns,
)

PERCENT = st.floats(0, 100).map(lambda value: round(value, 3))
ROWS_OF_TWO = st.integers(2, 16).flatmap(
    lambda n: st.tuples(*[st.lists(PERCENT, min_size=n, max_size=n)] * 2)
)


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def missing(outcome: Outcome) -> bool:
    return math.isnan(outcome.statistic) and math.isnan(outcome.p_value)


class TestPaired:
    def test_by_hand(self):
        # Differences 1, 2, 3: mean 2, s = 1, t = 2 / (1 / sqrt 3).
        outcome = paired_t([41, 42, 43], [40, 40, 40], over="seeds")
        assert outcome.statistic == pytest.approx(2 * math.sqrt(3))
        assert (outcome.df, outcome.n, outcome.difference) == (2, 3, 2)
        # With two degrees of freedom the tail has a closed form: 1 - |t| / sqrt(2 + t^2).
        assert outcome.p_value == pytest.approx(1 - math.sqrt(12 / 14))
        assert outcome.note == ""

    @given(ROWS_OF_TWO)
    def test_agrees_with_scipy(self, rows):
        one, two = np.array(rows)
        assume(np.ptp(one - two) > 1e-3)
        ours, theirs = paired_t(one, two, over="seeds"), stats.ttest_rel(one, two)
        assert ours.statistic == pytest.approx(theirs.statistic)
        assert ours.p_value == pytest.approx(theirs.pvalue)

    @given(ROWS_OF_TWO)
    def test_is_symmetric_and_missing_only_with_a_reason(self, rows):
        one, two = (paired_t(*order, over="seeds") for order in (rows, rows[::-1]))
        assert one.difference == -two.difference
        assert one.p_value == pytest.approx(two.p_value, abs=0, rel=0, nan_ok=True)
        assert math.isnan(one.p_value) == math.isnan(one.statistic)
        assert math.isnan(one.p_value) == one.note.startswith("not computed")
        assert math.isnan(one.p_value) or 0 <= one.p_value <= 1

    def test_one_seed(self):
        outcome = paired_t([40.0], [38.0], over="seeds")
        assert missing(outcome)
        assert outcome.difference == 2.0
        assert outcome.note == "not computed: needs two seeds, there is one"

    def test_one_and_the_same_difference(self):
        # 0.1 + 0.2 style noise in the differences must not pass for a variance.
        outcome = paired_t([40.1, 50.3, 60.7], [39.9, 50.1, 60.5], over="languages")
        assert missing(outcome)
        assert outcome.note == "not computed: the difference is the same for all languages"

    def test_rows_of_different_length_are_refused(self):
        with pytest.raises(ValueError, match="two rows of one length"):
            paired_t([1.0, 2.0], [1.0], over="seeds")


class TestPaper:
    def test_by_hand(self):
        # Means 2 and 5, pooled variance 1, t = -3 / sqrt(2 / 3), df 4.
        outcome = paper_independent_t_16_columns([1, 2, 3], [4, 5, 6])
        assert outcome.statistic == pytest.approx(-3 / math.sqrt(2 / 3))
        assert (outcome.df, outcome.n, outcome.difference) == (4, 3, -3)
        assert outcome.p_value == pytest.approx(0.02131164)  # tables of t with df 4 at 3.6742
        assert "not a sound one" in outcome.note

    @given(ROWS_OF_TWO)
    def test_agrees_with_scipy(self, rows):
        one, two = np.array(rows)
        assume(np.ptp(one) > 1e-3 and np.ptp(two) > 1e-3)
        ours, theirs = paper_independent_t_16_columns(one, two), stats.ttest_ind(one, two)
        assert ours.statistic == pytest.approx(theirs.statistic)
        assert ours.p_value == pytest.approx(theirs.pvalue)

    def test_rows_without_variance(self):
        outcome = paper_independent_t_16_columns([40.0] * 16, [33.3] * 16)
        assert missing(outcome)
        assert outcome.note == "not computed: the numbers of each row are the same"

    def test_one_number_a_row(self):
        assert paper_independent_t_16_columns([40.0], [33.3]).note.startswith("not computed")

    def test_ignores_the_pairing_and_so_misses_an_even_gain(self):
        languages = np.linspace(35, 55, 15)
        gain = languages + 1 + np.tile([-0.1, 0, 0.1], 5)
        assert paper_independent_t_16_columns(gain, languages).p_value > 0.5
        assert paired_t(gain, languages, over="languages").p_value < 1e-10


class TestMcNemar:
    def test_by_hand(self):
        # d = 2, -1, 0, 3: (sum d)^2 = 16, sum d^2 = 14.
        outcome = mcnemar_clustered([2, -1, 0, 3], rows=40)
        assert outcome.statistic == pytest.approx(16 / 14)
        assert (outcome.df, outcome.n) == (1, 4)
        assert outcome.difference == pytest.approx(10.0)
        # The chi-square of one degree of freedom is a squared normal.
        assert outcome.p_value == pytest.approx(math.erfc(math.sqrt(16 / 14 / 2)))
        assert outcome.note.startswith("only 3 pairs with a difference")

    @given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
    def test_is_mcnemars_own_where_each_pair_is_one_row(self, b, c, concordant):
        assume(b + c)
        outcome = mcnemar_clustered([1] * b + [-1] * c + [0] * concordant, rows=b + c + concordant)
        assert outcome.statistic == pytest.approx((b - c) ** 2 / (b + c))
        assert outcome.note.startswith("only") == (b + c < 25)

    @given(st.lists(st.integers(-75, 75), min_size=1, max_size=40).filter(any))
    def test_is_symmetric(self, d):
        one, two = (mcnemar_clustered(np.array(d) * sign, rows=10_000) for sign in (1, -1))
        assert one.p_value == two.p_value
        assert one.difference == -two.difference

    @given(st.lists(st.integers(-3, 3), min_size=1, max_size=40).filter(any), st.integers(2, 15))
    def test_translations_that_repeat_a_pair_add_nothing(self, d, languages):
        one = mcnemar_clustered(d, rows=1000)
        many = mcnemar_clustered(np.array(d) * languages, rows=1000 * languages)
        assert many.statistic == pytest.approx(one.statistic)
        assert many.difference == pytest.approx(one.difference)

    def test_no_discordant_pair(self):
        outcome = mcnemar_clustered([0, 0, 0], rows=3)
        assert missing(outcome)
        assert outcome.difference == 0.0
        assert outcome.note == "not computed: no test pair on which the runs differ"

    def test_a_p_value_too_small_for_a_float_says_so(self):
        outcome = mcnemar_clustered([1] * 5000, rows=5000)
        assert outcome.p_value == 0.0
        assert outcome.note.startswith("p below the smallest float; for these trained models")


class TestHolm:
    def test_by_hand(self):
        # Sorted: .005 x 4, .01 x 3, .03 x 2, .04 x 1 (raised to .06).
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_missing_ones_do_not_count(self):
        assert holm([0.01, math.nan, 0.04]) == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)

    def test_at_most_one(self):
        assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]

    def test_none_at_all(self):
        assert holm([]).tolist() == []
        assert np.isnan(holm([math.nan])).all()

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
    def test_never_below_the_p_value_nor_above_bonferroni_and_keeps_the_order(self, p_values):
        adjusted = holm(p_values)
        for p, q in zip(p_values, adjusted, strict=True):
            assert p <= q <= min(1.0, p * len(p_values))
        pairs = sorted(zip(p_values, adjusted, strict=True))
        assert [q for _, q in pairs] == sorted(q for _, q in pairs)
