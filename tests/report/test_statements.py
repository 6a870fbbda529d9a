"""Sentences, lists of what failed and text as HTML, from rows made by hand."""

import math

from pipeline.evaluation.files import DIFFERENCES, PAPER_GAP, SIGNIFICANCE
from pipeline.report.records import Record, failures
from pipeline.report.statements import comparisons, few_seeds
from pipeline.report.tables import gap_rows, gap_summary
from pipeline.report.text import breakable, visible, with_code


def test_hidden_characters_are_written_out_and_marks_of_scripts_stay():
    assert visible("a\u202eb\x00\u200fم\u200dن\n") == "a<U+202E>b<U+0000>\u200fم\u200dن\n"


def test_long_names_may_break_and_numbers_may_not():
    assert breakable("no_external-data") == "no_<wbr>external-<wbr>data"
    assert breakable("<b>" + "x" * 12) == "&lt;b&gt;xxxxxxxx<wbr>xxxx"
    assert breakable("73.4 to 79.5") == "73.4 to 79.5"


def test_backticks_are_code_and_nothing_else_is_markup():
    assert with_code("In `a<b>` & c") == "In <code>a&lt;b&gt;</code> &amp; c"


def spoken(*rows, difference=8.64) -> list[str]:
    """The sentences about mpt and sp, from a test's name, statistic, df, n and what follows."""
    table = SIGNIFICANCE.frame(("grid", 16, "mpt", "sp", *row) for row in rows)
    lead = DIFFERENCES.frame([("mpt", "sp", 16, "avg", 3, difference, 7.21, 9.94, 12.0)])
    sentences = comparisons(table, lead)["grid"][16]["sp"]
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in sentences]


def test_a_difference_is_said_with_its_interval():
    (first, _) = spoken(("paired_t_seeds", 9.0, 2, 3, 8.64, 0.012, 0.024, ""))
    assert first == (
        "Over 3 seeds, mpt is 8.6 points ahead of sp at 16 shots "
        "(95 % bootstrap interval over seeds and test pairs: +7.2 to +9.9)."
    )


def test_behind_and_level():
    test = ("paired_t_seeds", 9, 2, 3, 0, 0.5, 0.5, "")
    assert "mpt is 1.0 point behind sp" in spoken(test, difference=-1.04)[0]
    assert "mpt and sp are level (0.0 points apart)" in spoken(test, difference=0.02)[0]


def test_a_test_says_its_n_its_correction_its_level_and_its_scope():
    (_, seeds, pairs, paper) = spoken(
        ("paper_independent_t_16_columns", 3.0, 30, 16, 8.6, 0.0047, math.nan, "not sound"),
        ("paired_t_seeds", 9.0, 2, 3, 8.64, 0.0612, 0.1224, ""),
        ("mcnemar_clustered", 30.0, 1, 300, 8.64, 4.1e-8, 8.2e-8,
         "only 9 pairs with a difference, so the chi-square is rough; for these trained models"),
    )  # fmt: skip
    assert seeds == (
        "Paired t-test over seeds (n = 3 seeds): p = 0.061; p = 0.12 after Holm's correction over "
        "the one comparison of grid, not below 0.05: at the 5 % level this test finds no "
        "difference, which does not show that there is none; this is about new seeds, not new test "
        "pairs."
    )
    assert pairs == (
        "McNemar's test with test pairs as clusters (n = 300 pairs): p = 4.1 × 10⁻⁸; p = 8.2 × "
        "10⁻⁸ after Holm's correction over the one comparison of grid, below 0.05: at the 5 % "
        "level this test finds a difference; only 9 pairs with a difference, so the chi-square is "
        "rough; this is about new test pairs for these trained models, not new seeds."
    )
    assert paper == (
        "The paper's test (16 numbers per row): p = 0.0047; it is given only for comparison with "
        "the paper's."
    )


def test_what_could_not_be_computed_and_an_unknown_test():
    (_, seeds, other) = spoken(
        ("paired_t_seeds", math.nan, 0, 1, 8.6, math.nan, math.nan,
         "not computed: needs two seeds, there is one"),
        ("permutation", 1.0, 1, 40, 8.6, 0.03, math.nan, "by drawing"),
    )  # fmt: skip
    assert seeds == "Paired t-test over seeds: not computed (needs two seeds, there is one)."
    assert other == "Permutation (n = 40): p = 0.03. by drawing"


def test_few_seeds_are_named():
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
        "one label in more than 90 % of a language's predictions (largest share of any seed, "
        "percent): all 2 languages (English 95, Swahili 95)",
    ]


def test_the_distance_from_the_paper():
    none = [math.nan] * 3
    rows = PAPER_GAP.frame(
        [
            (1, 16, "mpt", "mpt", "avg", 43.0, 42.0, 44.5, 43.1, -0.1, -1.1, 1.4),
            (1, 16, "mpt", "mpt", "sw", 50.0, 49.0, 51.0, 43.1, 6.9, 5.9, 7.9),
            (1, 32, "mpt", "", "avg", *none, 47.3, *none),
        ]
    )
    assert gap_summary(rows).startswith(
        "Counterparts here: 2 of the 3 numbers in the paper's tables for these languages. The "
        "paper's value lies within our 95 % interval for 1 of them. The distance is 3.5 points on "
        "average; the largest is +6.9 points (mpt, 16 shots, sw)."
    )
    (row,) = gap_rows(rows)
    assert (row["shots"], row["ours"], row["paper"], row["difference"]) == (16, 43.0, 43.1, -0.1)
    assert "Counterparts here: 0 of" in gap_summary(rows[rows["ours"].isna()])
