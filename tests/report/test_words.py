"""Sentences, p-values and lists of what failed, from rows made by hand."""

import math

import pandas as pd
import pytest

from pipeline.report.failures import failures
from pipeline.report.figures.words import listed, percent, signed
from pipeline.report.inputs import Record
from pipeline.report.p_values import equation, shown
from pipeline.report.statements import comparisons, few_seeds
from pipeline.report.tables import gap_rows, gap_summary
from pipeline.report.text import breakable, visible


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0432, "0.043"),
        (0.5, "0.5"),
        (1.0, "1"),
        (0.001, "0.001"),
        (0.00099, "9.9 × 10⁻⁴"),
        (1.234e-12, "1.2 × 10⁻¹²"),
        (0.0, "< 10⁻³⁰⁰"),
        (math.nan, "–"),
    ],
)
def test_p_values(p, text):
    assert shown(p) == text


def test_a_p_value_in_a_sentence_stays_on_one_line():
    assert equation(0.04) == "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.04"
    assert equation(0.0) == "p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}10⁻³⁰⁰"


@pytest.mark.parametrize(
    ("value", "text"), [(8.64, "+8.6"), (-0.05, "0.1"), (-0.04, "0.0"), (0.0, "0.0"), (-3, "−3.0")]
)
def test_differences_have_their_sign(value, text):
    assert signed(value) == (text if value != -0.05 else f"−{abs(value):.1f}")


def test_no_number_is_a_dash():
    assert (percent(math.nan), signed(math.nan)) == ("–", "–")


def test_lists():
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]


def test_hidden_characters_are_written_out_and_marks_of_scripts_stay():
    assert visible("a\u202eb\x00\u200fم\u200dन\n") == "a<U+202E>b<U+0000>\u200fم\u200dन\n"


def test_long_names_may_break():
    assert breakable("no_external-data") == "no_<wbr>external-<wbr>data"
    assert breakable("<b>" + "x" * 12) == "&lt;b&gt;xxxxxxxx<wbr>xxxx"


HEADS = ["family", "shots", "run", "other", "test", "statistic", "df", "n", "difference",
         "p_value", "p_holm", "note"]  # fmt: skip


def spoken(*rows, difference=8.64) -> list[str]:
    table = pd.DataFrame([("grid", 16, "mpt", "sp", *row) for row in rows], columns=HEADS)
    lead = {"run": "mpt", "other": "sp", "shots": 16, "language": "avg", "seeds": 3,
            "difference": difference, "low": 7.21, "high": 9.94, "relative": 12.0}  # fmt: skip
    return comparisons(table, pd.DataFrame([lead]))["grid"][16]["sp"]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_difference_is_said_with_its_interval():
    (first, _) = spoken(("paired_t_seeds", 9.0, 2, 3, 8.64, 0.012, 0.024, ""))
    assert first == (
        "Over 3 seeds mpt is 8.6 points ahead of sp at 16 shots "
        "(95 % bootstrap interval over seeds and test pairs: +7.2 to +9.9)."
    )


@pytest.mark.parametrize(
    ("difference", "words"),
    [(-1.04, "mpt is 1.0 point behind sp"), (0.02, "mpt and sp are level (0.0 points apart)")],
)
def test_behind_and_level(difference, words):
    (first, *_) = spoken(("paired_t_seeds", 9, 2, 3, 0, 0.5, 0.5, ""), difference=difference)
    assert words in first


def test_a_test_says_its_n_its_correction_its_level_and_what_it_speaks_about():
    (_, seeds, pairs, paper) = spoken(
        ("paper_independent_t_16_columns", 3.0, 30, 16, 8.6, 0.0047, math.nan, "not sound"),
        ("paired_t_seeds", 9.0, 2, 3, 8.64, 0.0612, 0.1224, ""),
        ("mcnemar_clustered", 30.0, 1, 300, 8.64, 4.1e-8, 8.2e-8,
         "only 9 pairs differ, so the chi-square is rough; for these trained models"),
    )  # fmt: skip
    assert plain(seeds) == (
        "Paired t-test over seeds (n = 3 seeds): p = 0.061; after Holm's correction over this one "
        "comparison p = 0.12, not below 0.05: at the 5 % level this test finds no difference, "
        "which does not show that there is none; this speaks about new seeds, not new test pairs."
    )
    assert plain(pairs) == (
        "McNemar's test with test pairs as clusters (n = 300 pairs): p = 4.1 × 10⁻⁸; after Holm's "
        "correction over this one comparison p = 8.2 × 10⁻⁸, below 0.05: at the 5 % level this "
        "test finds a difference; only 9 pairs differ, so the chi-square is rough; this speaks "
        "about new test pairs for these trained models, not new seeds."
    )
    assert plain(paper) == (
        "The paper's test (16 numbers a row): p = 0.0047; it stands here only to be read beside "
        "the paper's."
    )


def test_what_could_not_be_computed_and_a_test_without_words_of_its_own():
    (_, seeds, other) = spoken(
        ("paired_t_seeds", math.nan, 0, 1, 8.6, math.nan, math.nan,
         "not computed: needs two seeds, there is one"),
        ("permutation", 1.0, 1, 40, 8.6, 0.03, math.nan, "by drawing"),
    )  # fmt: skip
    assert seeds == "Paired t-test over seeds: not computed (needs two seeds, there is one)."
    assert plain(other) == "Permutation (n = 40): p = 0.03. by drawing"


def test_few_seeds_are_said():
    assert list(few_seeds({"grid": 5})) == []
    (one, three) = few_seeds({"grid": 3, "ablations": 1, "sweeps": 3})
    assert one.startswith("One seed (ablations).")
    assert three.startswith("3 seeds (grid and sweeps) are few: a t-test over them has 2 degrees")


def record(seed: int, *, accuracy: dict[str, float], share: float = 40.0, dev: float = 80.0):
    average = sum(accuracy.values()) / len(accuracy)
    metrics = {
        "accuracy": {**accuracy, "avg": average},
        "most_predicted": {
            "label": "neutral",
            "share": share,
            "by_language": dict.fromkeys(accuracy, share),
        },
        "test": {"pairs": 300, "rows": 600},
        "at_chance": average < 37,
        "dev_accuracy": dev,
    }
    return Record(("sp", 4, seed), "grid", metrics, {})


def test_nothing_failed():
    assert failures([record(1, accuracy={"en": 80.0, "sw": 60.0})]) == []


def test_chance_collapse_and_dev_are_told_apart():
    fine, bad = {"en": 80.0, "sw": 36.0}, {"en": 34.0, "sw": 33.0}
    ((run, shots, lines),) = failures(
        [record(1, accuracy=fine), record(2, accuracy=bad, share=95.0, dev=100 / 3)]
    )
    assert (run, shots) == ("sp", 4)
    assert lines == [
        "mean over languages not above chance: seed 2 (33.5 %)",
        "dev accuracy at chance: seed 2",
        "more than 90 % of all predictions are neutral: seed 2",
        "mean over seeds not above chance: Swahili 34.5",
        "one label in more than 90 % of a language's predictions (largest share of a seed, "
        "percent): all 2 languages (English 95, Swahili 95)",
    ]


def gap(*rows) -> pd.DataFrame:
    heads = ["table", "shots", "row", "run", "language", "ours", "low", "high", "paper",
             "difference", "difference_low", "difference_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=heads)


def test_the_distance_from_the_paper():
    none = [math.nan] * 3
    rows = gap(
        (1, 16, "mpt", "mpt", "avg", 43.0, 42.0, 44.5, 43.1, -0.1, -1.1, 1.4),
        (1, 16, "mpt", "mpt", "sw", 50.0, 49.0, 51.0, 43.1, 6.9, 5.9, 7.9),
        (1, 32, "mpt", "", "avg", *none, 47.3, *none),
    )
    assert gap_summary(rows).startswith(
        "Of the 3 numbers in the paper's tables, 2 have a counterpart here. The paper's value "
        "lies within our 95 % interval for 1 of them. The distance is 3.5 points on average; the "
        "largest is +6.9 points (mpt, 16 shots, sw)."
    )
    (row,) = gap_rows(rows)
    assert (row["ours"], row["paper"], row["difference"]) == ("43.0", "43.1", "−0.1")
    assert (row["interval"], row["bounds"]) == ("42.0 to 44.5", "−1.1 to +1.4")
    assert "0 have a counterpart here." in gap_summary(rows[rows["ours"].isna()])
