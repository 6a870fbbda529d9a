import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.cells.metrics import (
    accuracy_by_language,
    at_chance,
    cell_metrics,
    mean_over_languages,
    most_predicted,
)

ROWS = [
    ("en", "a", 0, 0),
    ("en", "b", 1, 1),
    ("en", "c", 2, 1),
    ("de", "a", 0, 1),
    ("de", "b", 1, 1),
    ("de", "c", 2, 0),
    ("sw", "a", 0, 1),
]


def test_accuracy_is_percent_by_language_sorted_by_code(predictions):
    accuracy = accuracy_by_language(predictions(ROWS))
    assert list(accuracy) == ["de", "en", "sw"]
    assert accuracy == {"de": 100 / 3, "en": pytest.approx(200 / 3), "sw": 0.0}


def test_accuracy_reads_categories_too_and_names_only_what_is_there(predictions):
    table = predictions(ROWS)
    table["language"] = table["language"].astype("category").cat.add_categories(["zh"])
    assert list(accuracy_by_language(table)) == ["de", "en", "sw"]


def test_the_average_is_over_languages_not_rows():
    # Three rows of one language and one of another would give 75 over rows.
    assert mean_over_languages({"de": 100.0, "sw": 0.0}) == 50.0


def test_most_predicted_label_and_its_share(predictions):
    assert most_predicted(predictions(ROWS)) == ("neutral", pytest.approx(500 / 7))


def test_metrics_of_a_cell(predictions):
    metrics = cell_metrics(predictions(ROWS))
    assert metrics["accuracy"]["avg"] == pytest.approx(100 / 3)
    assert metrics["most_predicted"] == {
        "label": "neutral",
        "share": pytest.approx(500 / 7),
        "by_language": {
            "de": pytest.approx(200 / 3),
            "en": pytest.approx(200 / 3),
            "sw": 100.0,
        },
    }
    assert metrics["test"] == {"pairs": 3, "rows": 7}
    assert metrics["at_chance"] is True


def test_at_chance_against_hand_computed_binomials():
    # Of 3 pairs, C = 3: P(3 right) = 1/27 = 0.037, P(2 or more) = 7/27 = 0.26.
    assert not at_chance(100.0, 3)
    assert at_chance(200 / 3, 3)
    # P(2 of 2) = 1/9.
    assert at_chance(100.0, 2)
    assert not at_chance(100.0, 2, level=0.12)
    # A coin: P(5 of 5) = 1/32.
    assert not at_chance(100.0, 5, labels=2)


@pytest.mark.parametrize("pairs", [1, 7, 60, 5010])
def test_at_chance_is_the_binomial_test_of_scipy(pairs):
    for correct in range(0, pairs + 1, max(1, pairs // 500)):
        expected = stats.binomtest(correct, pairs, 1 / 3, alternative="greater").pvalue
        assert at_chance(100 * correct / pairs, pairs) == (expected >= 0.05)


def test_at_chance_needs_more_of_few_pairs_than_of_xnli():
    assert at_chance(33.2, 5010)
    assert at_chance(34.0, 5010)
    assert not at_chance(35.0, 5010)
    assert at_chance(40.0, 60)


def test_at_chance_takes_a_count_that_a_percentage_rounds_down():
    # 100 * (29 / 50) * 50 / 100 is 28.999999999999996 in floats.
    for right in range(51):
        from scipy import stats

        expected = stats.binom.sf(right - 1, 50, 1 / 3) >= 0.05
        assert at_chance(100.0 * (right / 50), 50) == expected


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 10_000))
def test_at_chance_is_monotone_in_accuracy(one, other, pairs):
    low, high = sorted((one, other))
    assert at_chance(low, pairs) or not at_chance(high, pairs)


@pytest.mark.parametrize(("accuracy", "pairs"), [(50.0, 0), (-1.0, 10), (float("nan"), 10)])
def test_at_chance_refuses_what_is_no_accuracy(accuracy, pairs):
    with pytest.raises(ValueError, match="expected pairs and a percentage"):
        at_chance(accuracy, pairs)
