"""What the paper says about its tables, recomputed from them (docs/paper.md has the list).

A printed number can be anything within 0.05 of it. A claim holds if numbers in these ranges give
the claimed value, rounded; otherwise the test states both.
"""

import pandas as pd
import pytest

from pipeline.evaluation.files import AVERAGE, PAPER_TABLE1, PAPER_TABLE2, languages_of
from pipeline.params.whole import load_params
from pipeline.training.loop import length_of
from pipeline.training.text import TrainingText
from tests.imports import ROOT

SHOTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
HALF = 0.05
"""The largest error of rounding to one decimal."""
DISTANT = ("zh", "th", "hi", "tr")
"""The languages that the paper calls quite distinct from English."""


@pytest.fixture
def table(home) -> pd.DataFrame:
    return PAPER_TABLE1.read().set_index(["shots", "method"])


@pytest.fixture
def variants(home) -> pd.DataFrame:
    return PAPER_TABLE2.read().set_index("variant")


def gain(table: pd.DataFrame, shots: int, other: str) -> pd.Series:
    """MPT's lead in points by language, then on average, as the tables print them."""
    columns = [*languages_of(table), AVERAGE]
    return (table.loc[(shots, "mpt"), columns] - table.loc[(shots, other), columns]).round(1)


def relative(table: pd.DataFrame, language: str) -> tuple[float, float, float]:
    """MPT's lead over SP at 32 shots in percent: least, as printed, most."""
    ours, theirs = table.at[(32, "mpt"), language], table.at[(32, "sp"), language]
    ends = (-HALF, 0.0, HALF)
    least, printed, most = (100 * ((ours + end) / (theirs - end) - 1) for end in ends)
    return least, printed, most


@pytest.mark.parametrize(("shots", "claimed"), [(4, 7.5), (64, 3.1)])
def test_absolute_gains_of_the_introduction_are_over_pct(table, shots, claimed):
    assert gain(table, shots, "pct")[AVERAGE] == claimed


def test_at_4_shots_the_best_baseline_is_sp_and_the_gain_over_it_is_smaller(table):
    averages = table[AVERAGE]
    assert averages[4, "sp"] == 38.3
    assert averages[4, "pct"] == 35.9
    # The introduction names no baseline: 7.5 over PCT, 5.1 over the better one.
    assert gain(table, 4, "sp")[AVERAGE] == 5.1
    assert averages[64].drop("mpt").idxmax() == "pct"


def test_gains_over_pct_at_32_to_256_shots(table):
    gains = [gain(table, shots, "pct")[AVERAGE] for shots in (32, 64, 128, 256)]
    assert gains == [1.9, 3.1, 3.0, 3.7]


def test_the_average_gain_over_pct_at_1_2_4_shots_is_not_the_one_claimed(table):
    gains = [gain(table, shots, "pct")[AVERAGE] for shots in (1, 2, 4)]
    assert gains == [2.8, 3.3, 7.5]
    claimed, mean = 4.3, sum(gains) / 3
    assert mean == pytest.approx(4.53, abs=0.005)
    # Each gain is between two printed numbers, and so is their mean: at most 0.1 off.
    assert abs(mean - claimed) > 2 * HALF + HALF
    # Computed from the languages instead of the averages, it is further off.
    languages = languages_of(table)
    rows = [table.loc[(k, "mpt")] - table.loc[(k, "pct")] for k in (1, 2, 4)]
    assert sum(row[languages].mean() for row in rows) / 3 == pytest.approx(4.57, abs=0.005)
    # One gain in Table I is this large: over SP, at 2 shots.
    assert gain(table, 2, "sp")[AVERAGE] == claimed


@pytest.mark.parametrize(
    ("language", "claimed", "recomputed"),
    [("zh", 18.4, 18.34), ("sw", 14.8, 14.85), ("ur", 13.8, 13.82)],
)
def test_relative_gains_over_sp_at_32_shots_hold_to_rounding(table, language, claimed, recomputed):
    least, printed, most = relative(table, language)
    assert printed == pytest.approx(recomputed, abs=0.005)
    assert least - HALF <= claimed <= most + HALF


def test_as_printed_two_of_them_round_to_a_neighbour(table):
    rounded = {code: round(relative(table, code)[1], 1) for code in ("zh", "sw", "ur")}
    assert rounded == {"zh": 18.3, "sw": 14.9, "ur": 13.8}


def test_the_relative_gain_in_the_introduction_is_of_one_language(table):
    gains = {code: relative(table, code)[1] for code in languages_of(table)}
    assert max(gains, key=gains.__getitem__) == "zh"
    # The claim is about "languages considerably different from the source"; over these four it is
    # smaller.
    assert sum(gains[code] for code in DISTANT) / 4 == pytest.approx(17.2, abs=0.05)


def test_gains_in_zh_th_hi_tr_are_higher_than_in_en_at_32_shots(table):
    gains = gain(table, 32, "sp")
    assert gains[list(DISTANT)].to_list() == [7.3, 7.0, 7.1, 6.1]
    assert gains["en"] == 5.0
    assert all(relative(table, code)[0] > relative(table, "en")[2] for code in DISTANT)


def test_but_so_are_those_in_six_other_languages_including_german(table):
    gains = gain(table, 32, "sp").drop(AVERAGE)
    assert set(gains[gains > gains["en"]].index) - set(DISTANT) == {
        *("ar", "de", "es", "sw", "ur", "vi")
    }
    assert gains["es"] > gains["tr"]


def test_mpt_is_ahead_of_sp_in_every_language_at_32_shots(table):
    assert (gain(table, 32, "sp") > 0).all()
    # At all other shots too, except in ZH at 1 shot.
    behind = [
        (shots, code)
        for shots in SHOTS
        for code in languages_of(table)
        if gain(table, shots, "sp")[code] < 0
    ]
    assert behind == [(1, "zh")]


def test_mpt_is_ahead_of_all_baselines_for_most_data_scales(table):
    leads = {}
    for shots in SHOTS:
        leads[shots] = min(gain(table, shots, other)[AVERAGE] for other in ("ft", "sp", "pct"))
    assert leads == {
        **{1: 1.5, 2: 3.3, 4: 5.1, 8: 0.8, 16: 0.0, 32: 1.9, 64: 3.1, 128: 3.0, 256: 3.7}
    }


def test_at_16_shots_pct_is_ahead_in_most_languages(table):
    gains = gain(table, 16, "pct").drop(AVERAGE)
    assert (gains < 0).sum() == 9
    assert (gains > 0).sum() == 5
    assert table.at[(16, "mpt"), AVERAGE] == table.at[(16, "pct"), AVERAGE] == 43.1


def test_distant_languages_gain_more_than_english_from_4_shots_on(table):
    """The abstract claims this for all few-shot settings."""
    distant = {k: gain(table, k, "sp")[list(DISTANT)].mean() for k in SHOTS}
    english = {k: gain(table, k, "sp")["en"] for k in SHOTS}
    assert [k for k in SHOTS if distant[k] <= english[k]] == [1, 2]
    assert [round(distant[k], 1) for k in (1, 2)] == [1.1, 3.8]
    assert [english[k] for k in (1, 2)] == [2.1, 5.2]
    single = [gain(table, k, "sp")[code] > english[k] for k in SHOTS for code in DISTANT]
    assert (sum(single), len(single)) == (24, 36)


def test_distant_languages_do_not_gain_more_than_the_other_ten_at_every_shots(table):
    others = [code for code in languages_of(table) if code not in (*DISTANT, "en")]
    gains = {k: gain(table, k, "sp") for k in SHOTS}
    less = [k for k in SHOTS if gains[k][list(DISTANT)].mean() < gains[k][others].mean()]
    assert less == [1, 2, 128]


def test_sp_is_weakest_in_swahili_at_32_shots_but_not_next_in_urdu(table):
    accuracy = table.loc[(32, "sp"), languages_of(table)].sort_values(kind="stable")
    assert accuracy.index[0] == "sw"
    assert accuracy[["sw", "hi", "ur", "zh"]].to_list() == [37.7, 39.2, 39.8, 39.8]
    assert set(accuracy.index[:4]) == {"sw", "hi", "ur", "zh"}


@pytest.mark.parametrize(
    ("variant", "lost"),
    [("no-consistency", 5.5), ("no-external-data", 3.4), ("no-translator", 2.9), ("no-mpt", 6.3)],
)
def test_drops_of_table2(variants, variant, lost):
    # The text gives no number for the external data; it only says "inferior".
    drop = variants.at["mpt", AVERAGE] - variants.at[variant, AVERAGE]
    assert round(drop, 1) == lost


def test_the_original_is_best_in_every_language_of_table2(variants):
    columns = [*languages_of(variants), AVERAGE]
    assert (variants.loc["mpt", columns] > variants.drop("mpt")[columns].max()).all()


def test_table2_begins_with_the_mpt_row_of_table1(table, variants):
    columns = [*languages_of(table), AVERAGE]
    assert variants.loc["mpt", columns].to_list() == table.loc[(64, "mpt"), columns].to_list()


def test_training_time_is_not_the_same_for_all_numbers_of_pairs():
    # "To keep training time consistent, we perform 15 and 4 epochs for 2000 and 8000 data
    # scales, while 50 epochs for the rest". The paper names 500 too; 125, 250 and 1,000 are ours.
    params = load_params(ROOT / "profiles/paper.yaml")
    updates = {}
    for name in ("mpt", *(run for run in params.sweeps.runs if run.startswith("pairs_"))):
        run = params.run(name)
        pairs = run.parallel.external_pairs or params.paws15.pairs
        # An epoch passes over the longer set, in batches of 24: at 64 shots over at least 192.
        text = TrainingText([None] * 3 * 64, [None] * pairs)
        updates[pairs] = length_of(run.training, text, text._asdict()).updates
    assert updates == {125: 400, 250: 550, 500: 1050, 1000: 2100, 2000: 1260, 8000: 1336}
