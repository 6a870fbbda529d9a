import math

import pytest

from pipeline.evaluation.words import (
    counted,
    interval,
    joined,
    listed,
    p_equation,
    p_value,
    percent,
    signed,
    typeset_p,
)


@pytest.mark.parametrize(
    ("p", "plain", "typeset"),
    [
        (9.7e-7, "9.7e-7", "9.7 × 10⁻⁷"),
        (1.23e-104, "1.2e-104", "1.2 × 10⁻¹⁰⁴"),
        (0.00099, "9.9e-4", "9.9 × 10⁻⁴"),
        (1.8e-3, "1.8e-3", "0.0018"),
        (0.0123, "0.012", "0.012"),
        (0.5, "0.5", "0.5"),
        (1.0, "1", "1"),
        (0.0, "< 5e-324", "< 5 × 10⁻³²⁴"),
        (math.nan, "", ""),
    ],
)
def test_p_values_as_the_paper_prints_them_and_as_the_page_does(p, plain, typeset):
    assert (p_value(p), typeset_p(p)) == (plain, typeset)


def test_a_p_value_in_a_sentence_stays_on_one_line():
    assert p_equation(0.04) == "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.04"
    assert p_equation(0.0).startswith("p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}5")


@pytest.mark.parametrize(
    ("value", "text"),
    [(8.64, "+8.6"), (-0.06, "−0.1"), (-0.04, "0.0"), (0.0, "0.0"), (-3, "−3.0"), (math.nan, "–")],
)
def test_differences_have_their_sign(value, text):
    assert signed(value) == text


def test_a_missing_number_is_a_dash_or_what_is_asked_for():
    assert (percent(math.nan), percent(math.nan, missing=""), percent(-1.25)) == ("–", "", "−1.2")


def test_counts_lists_and_intervals():
    assert [counted(1, "shot"), counted(16, "shot")] == ["1 shot", "16 shots"]
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert joined([4, 16]) == "4, 16"
    assert (interval(7.21, 9.94), interval(-1, 2, signed)) == ("7.2 to 9.9", "−1.0 to +2.0")
