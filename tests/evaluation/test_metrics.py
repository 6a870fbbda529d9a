import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.cells.metrics import accuracy_by_language, at_chance, cell_metrics, most_predicted
from tests.evaluation.project import frame

TABLE = frame(
    [
        ("en", "a", 0, 0),
        ("en", "b", 1, 1),
        ("en", "c", 2, 1),
        ("de", "a", 0, 1),
        ("de", "b", 1, 1),
        ("de", "c", 2, 0),
        ("sw", "a", 0, 1),
    ]
)


def test_accuracy_is_percent_by_language_sorted_by_code():
    accuracy = accuracy_by_language(TABLE)
    assert list(accuracy) == ["de", "en", "sw"]
    assert accuracy == {"de": 100 / 3, "en": pytest.approx(200 / 3), "sw": 0.0}


def test_accuracy_only_has_the_categories_that_occur():
    language = TABLE["language"].astype("category").cat.add_categories(["zh"])
    assert list(accuracy_by_language(TABLE.assign(language=language))) == ["de", "en", "sw"]


def test_most_predicted_label_and_its_share():
    assert most_predicted(TABLE) == ("neutral", pytest.approx(500 / 7))


def test_no_label_is_wrong_and_may_be_predicted_most_often():
    table = TABLE.assign(predicted=[-1, 1, -1, -1, 1, 0, -1])
    assert most_predicted(table) == ("no label", pytest.approx(400 / 7))
    assert accuracy_by_language(table) == {
        "de": pytest.approx(100 / 3), "en": pytest.approx(100 / 3), "sw": 0.0,
    }  # fmt: skip


def test_metrics_of_a_cell():
    metrics = cell_metrics(TABLE)
    # The average is over languages; over the seven rows it would be 300 / 7.
    assert metrics["accuracy"]["avg"] == pytest.approx(100 / 3)
    assert metrics["most_predicted"] == {
        "label": "neutral",
        "share": pytest.approx(500 / 7),
        "by_language": {"de": pytest.approx(200 / 3), "en": pytest.approx(200 / 3), "sw": 100.0},
    }
    assert metrics["test"] == {"pairs": 3, "rows": 7}
    assert metrics["at_chance"] is True


def test_at_chance_against_binomials_by_hand():
    # With 3 pairs and 3 labels, P(3 right) = 1/27 = 0.037 and P(2 or more) = 7/27 = 0.26.
    assert not at_chance(100.0, 3)
    assert at_chance(200 / 3, 3)
    # P(2 of 2) = 1/9.
    assert at_chance(100.0, 2)


@pytest.mark.parametrize("pairs", [1, 7, 50, 60, 5010])
def test_at_chance_is_the_binomial_test_of_scipy(pairs):
    for correct in range(0, pairs + 1, max(1, pairs // 60)):
        expected = stats.binomtest(correct, pairs, 1 / 3, alternative="greater").pvalue
        # 100 * (29 / 50) * 50 / 100 is 28.999999999999996 as a float.
        assert at_chance(100 * (correct / pairs), pairs) == (expected >= 0.05)


def test_at_chance_needs_more_with_few_pairs_than_with_xnli():
    assert at_chance(33.2, 5010)
    assert at_chance(34.0, 5010)
    assert not at_chance(35.0, 5010)
    assert at_chance(40.0, 60)


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 10_000))
def test_at_chance_is_monotone_in_accuracy(one, other, pairs):
    low, high = sorted((one, other))
    assert at_chance(low, pairs) or not at_chance(high, pairs)


@pytest.mark.parametrize(("accuracy", "pairs"), [(50.0, 0), (-1.0, 10), (float("nan"), 10)])
def test_at_chance_refuses_what_is_no_accuracy(accuracy, pairs):
    with pytest.raises(ValueError, match="expected pairs and a percentage"):
        at_chance(accuracy, pairs)
