"""What the tables are of, what is at chance, and what is missing if there are fewer cells."""

import pandas as pd
import pytest

from pipeline.evaluation.captions import (
    sweep_gaps,
    table1_paragraphs,
    table2_gaps,
    table2_paragraphs,
)
from pipeline.evaluation.comparability import heading, is_papers

MEAN = pd.DataFrame(
    [[1, "sp", 35.52], [1, "my_run", 35.93], [16, "sp", 35.5], [16, "my_run", 45.0]],
    columns=["shots", "method", "avg"],
)
TABLE2 = pd.DataFrame(
    {"shots": [16, 16, 16], "p_seeds": [None, 0.2, None], "p_mcnemar": [None, 0.1, 0.3]}
)


def test_captions_name_data_backbone_languages_and_seeds(params):
    first, *_ = table1_paragraphs(params, MEAN, pairs=120)
    second, *_ = table2_paragraphs(params, TABLE2, pairs=120, notes=[])
    for number, text in (("I", first), ("II", second)):
        assert "backbone `data/small_model` on the 120 test pairs of `data/some_nli`" in text
        assert "in 4 languages" in text
        assert f"(Qiu et al. 2024, Table {number}) are for XLM-R-base on XNLI, means over" in text
        assert "Ours are for another data set or backbone" in text
        assert "never the numbers" in text
    assert "over 3 seeds (1, 2, 3)" in first
    assert "The row original is the run `mpt`" in second


def test_one_seed_is_said(params_with):
    params = params_with(("seeds: [1, 2, 3]", "seeds: [3]"))
    assert "one seed (3), so no standard deviation" in table1_paragraphs(params, MEAN, pairs=9)[0]


@pytest.mark.parametrize(
    ("data", "backbone", "same"),
    [
        ("facebook/xnli", "FacebookAI/xlm-roberta-base", True),
        ("facebook/xnli", "FacebookAI/xlm-roberta-large", False),
        ("data/pocket/xnli", "FacebookAI/xlm-roberta-base", False),
    ],
)
def test_the_caption_calls_ours_comparable_only_by_name(params_with, data, backbone, same):
    params = params_with(("data/some_nli", data), ("data/small_model", backbone))
    text = table1_paragraphs(params, MEAN, pairs=5010)[0]
    assert ("By name, ours are for the same data set and backbone." in text) == same
    title = "Multilingual Prompt Translator, reproduced"
    named = f"Few-shot cross-lingual NLI on `{data}` with `{backbone}`"
    assert heading(params) == (title if same else named)
    assert ("never the numbers" in text) != same


SECOND = (
    ("backbone: {path: data/small_model}",
     "backbones: {base: {path: data/small_model}, mm: {path: data/other}}"),
    ("sp: {method: sp}", "sp: {method: sp, backbone: mm}"),
    ("pct: {method: pct}", "pct: {method: pct, backbone: mm}"),
)  # fmt: skip


def test_rows_on_another_backbone_are_named_with_it_and_differ_in_that(params_with):
    params = params_with(*SECOND)
    first, *_ = table1_paragraphs(params, MEAN, pairs=120)
    second, *_ = table2_paragraphs(params, TABLE2, pairs=120, notes=[])
    others = "sp, pct, sp (matched)"
    assert f"with the backbone `data/small_model` ({others}: mm, `data/other`) on the" in first
    assert f"On another backbone than `mpt`: {others}. Their differences from it" in first
    assert "with the backbone `data/small_model` (sp: mm, `data/other`) on the" in second
    assert "On another backbone than `mpt`: sp. Their differences from it" in second
    assert heading(params).endswith("on `data/some_nli` with `data/small_model` and `data/other`")


def test_the_backbone_of_the_reference_is_compared_with_the_papers(params_with):
    names = ("data/some_nli", "facebook/xnli"), ("data/small_model", "xlm-roberta-base")
    assert is_papers(params_with(*names, *((old.replace(*names[1]), new.replace(*names[1]))
                                           for old, new in SECOND)))  # fmt: skip
    assert not is_papers(params_with(*names, ("backbone: {path: xlm-roberta-base}",
        "backbones: {mm: {path: data/other}, base: {path: xlm-roberta-base}}")))  # fmt: skip


def test_a_cut_test_set_is_said_and_never_compared_with_the_papers_numbers(params_with):
    cut = ("xnli: {path: data/some_nli}", "xnli: {path: facebook/xnli, rows: 1000}")
    params = params_with(cut, ("data/small_model", "FacebookAI/xlm-roberta-base"))
    first, *_ = table1_paragraphs(params, MEAN, pairs=1000)
    second, *_ = table2_paragraphs(params, TABLE2, pairs=1000, notes=[])
    part = "1,000 evenly spaced test pairs of each language"
    for text in (first, second):
        assert f"pairs of `facebook/xnli` in 4 languages ({part}): mean" in text
        assert f"Ours are for {part}: compare only the order of the methods, never" in text
    assert not is_papers(params)
    assert heading(params).startswith("Few-shot cross-lingual NLI on `facebook/xnli`")


def test_rows_at_chance_are_named(params):
    assert table1_paragraphs(params, MEAN, pairs=100)[1] == (
        "Not above chance (33.3 percent; one-sided exact binomial test over 100 pairs, 5 percent "
        "level): sp at k = 1, 16; my_run at k = 1."
    )
    text = table1_paragraphs(params, MEAN.assign(avg=60.0), pairs=100)[1]
    assert text.startswith("Every average is above chance (33.3 percent; ")


def test_the_paper_test_is_explained_and_called_unsound(params):
    words = " ".join(table2_paragraphs(params, TABLE2, pairs=9, notes=[]))
    assert "Each entry: mean" in words
    assert "the test behind the p-values of the paper's Table II" in words
    assert "not sound: it counts the average as one more observation" in words


def test_the_family_of_holms_correction_is_named_with_its_size(params):
    words = " ".join(table2_paragraphs(params, TABLE2, pairs=9, notes=[]))
    assert (
        "Holm's correction is over the rows of Table II at all shots: 1 with p (seeds), 2 with "
        "p (McNemar)." in words
    )


def test_notes_on_rows_are_in_the_caption(params):
    assert "Of a row." in table2_paragraphs(params, TABLE2, pairs=9, notes=["Of a row."])


def test_seeds_that_a_comparison_leaves_out_are_named(params, params_with):
    assert "Left out" not in table2_paragraphs(params, TABLE2, pairs=9, notes=[])[1]
    params = params_with(
        ("translator], shots: [16], seeds: [1, 2, 3]", "translator], shots: [16], seeds: [2, 4]")
    )
    words = table2_paragraphs(params, TABLE2, pairs=9, notes=[])[1]
    assert "over the seeds that its run shares with `mpt`; the row original is over all" in words
    assert words.endswith(
        "Left out: seeds 1, 3 of `mpt` in row no-translator at 16 shots; seed 4 of "
        "`no_translator` in row no-translator at 16 shots."
    )


def test_matched_runs_over_other_seeds_are_named(params, params_with):
    assert "the runs of matched" not in table1_paragraphs(params, MEAN, pairs=9)[0]
    params = params_with(
        ("matched: {runs: [sp], shots: [16], seeds: [1, 2, 3]",
         "matched: {runs: [sp], shots: [16], seeds: [5]"),
    )  # fmt: skip
    words = table1_paragraphs(params, MEAN, pairs=9)[0]
    assert "over 3 seeds (1, 2, 3); the runs of matched over 1 seed (5). Bold" in words


def test_gaps_are_in_the_caption_or_in_place_of_the_table(params_with):
    params = params_with(FEWER_SHOTS)
    gaps = table2_gaps(params)
    assert table2_paragraphs(params, TABLE2, pairs=9, notes=[])[0].endswith(
        f"never the numbers. {gaps}"
    )
    (only,) = table2_paragraphs(params, TABLE2.iloc[:0], pairs=9, notes=[])
    assert only.startswith("No run of comparison.table2 has cells")
    assert only.endswith(gaps)


FEWER_SHOTS = ("shots: [4, 16], seeds: [1, 2, 3]", "shots: [4], seeds: [1, 2, 3]")


def test_nothing_is_said_if_nothing_is_missing(params):
    assert table2_gaps(params) == sweep_gaps(params) == ""


def test_shots_without_the_reference_are_named(params_with):
    params = params_with(FEWER_SHOTS)
    assert table2_gaps(params) == "Not in Table II: 16 shots (mpt is not trained there)."
    assert sweep_gaps(params) == "Not in Figures 4 and 5: 16 shots (mpt is not trained there)."


def test_one_shot_is_one_shot(params_with):
    params = params_with(("shots: [16]", "shots: [1]"))
    assert table2_gaps(params) == "Not in Table II: 1 shot (mpt is not trained there)."


def test_fewer_runs_and_seeds_are_named_by_variant(params_with):
    params = params_with(
        ("runs: [sp, pct, mpt]", "runs: [mpt]"),
        ("translator], shots: [16], seeds: [1, 2, 3]", "translator], shots: [16], seeds: [4]"),
    )
    assert table2_gaps(params) == (
        "Not in Table II: no-translator at 16 shots (no_translator and mpt have no seed in "
        "common); no-mpt at 16 shots (sp is not trained there)."
    )


def test_shots_of_a_block_without_runs_do_not_matter(params_with):
    params = params_with(
        ("ablations: {runs: [no_translator], shots: [16]", "ablations: {runs: [], shots: [99]"),
        (
            "sweeps: {runs: [alpha_01, alpha_09, prefix, both], shots: [16]",
            "sweeps: {runs: [], shots: [98]",
        ),
    )
    assert table2_gaps(params) == sweep_gaps(params) == ""
    assert params.shots == {4: True, 16: True, 98: False, 99: False}
