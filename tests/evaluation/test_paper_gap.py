import pandas as pd
import pytest

from pipeline.evaluation.files import PAPER_GAP, PAPER_TABLE1, PAPER_TABLE2
from pipeline.evaluation.tables import comparable, paper_gap
from tests.evaluation.project import XNLI

RUNS = {1: {"mpt": "mpt", "ours_alone": "ours_alone"}, 2: {"mpt": "mpt", "no-translator": "bare"}}


@pytest.fixture
def papers(home):
    return {1: PAPER_TABLE1.read(), 2: PAPER_TABLE2.read()}


def measured(languages) -> pd.DataFrame:
    """mpt at 64 shots: 50 in all languages, 45 to 56."""
    rows = [
        (run, 64, language, 5, 50.0, 1.0, 45.0, 56.0)
        for run in ("mpt", "bare")
        for language in (*languages, "avg")
    ]
    columns = ["run", "shots", "language", "seeds", "mean", "std", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_every_number_of_the_paper_has_a_row_in_its_order(papers):
    gap = paper_gap(measured(XNLI), papers, RUNS)
    assert list(gap.columns) == list(PAPER_GAP.columns)
    assert (gap["table"] == 1).sum() == 36 * 16
    assert (gap["table"] == 2).sum() == 5 * 16
    for number, name in ((1, "method"), (2, "variant")):
        wide = papers[number].drop(columns="p_value", errors="ignore")
        printed = wide.set_index(["shots", name]).stack().to_list()
        assert gap.loc[gap["table"] == number, "paper"].to_list() == printed


def test_ours_and_the_difference_by_hand(papers):
    gap = paper_gap(measured(XNLI), papers, RUNS)
    ours = gap[(gap["row"] == "mpt") & (gap["shots"] == 64) & (gap["language"] == "en")]
    assert ours["table"].to_list() == [1, 2]
    for _, row in ours.iterrows():
        # The paper prints 55.4.
        assert row[["ours", "low", "high", "paper"]].to_list() == [50.0, 45.0, 56.0, 55.4]
        found = row[["difference", "difference_low", "difference_high"]].to_list()
        assert found == pytest.approx([-5.4, -10.4, 0.6])


def test_what_was_not_run_is_empty(papers):
    gap = paper_gap(measured(XNLI), papers, RUNS)
    other = gap[(gap["row"] == "mpt") & (gap["shots"] == 4)]
    assert set(other["run"]) == {"mpt"}
    assert other[["ours", "low", "high", "difference"]].isna().all(axis=None)
    assert gap.loc[gap["row"] == "ft", "run"].isna().all()
    assert gap["ours"].notna().sum() == 16 + 2 * 16
    # A run that the paper does not have has no row.
    assert "ours_alone" not in set(gap["row"])


@pytest.mark.parametrize(("ours", "average"), [(["en", "de"], [54.25]), (["en", "de", "it"], [])])
def test_an_average_is_over_the_same_languages_or_left_out(papers, ours, average):
    theirs = {number: comparable(paper, ours) for number, paper in papers.items()}
    gap = paper_gap(measured(ours), theirs, RUNS)
    gap = gap[gap["ours"].notna()]
    languages = ["de", "en", *(["avg"] if average else [])]
    assert gap[["table", "row", "language"]].to_numpy().tolist() == [
        [number, row, code]
        for number, row in ((1, "mpt"), (2, "mpt"), (2, "no-translator"))
        for code in languages
    ]
    # The paper prints 53.1 in German and 55.4 in English.
    mpt = gap[(gap["table"] == 1) & (gap["language"] == "avg")]
    assert mpt["paper"].to_list() == pytest.approx(average)
    # Its p-values are over its own languages.
    assert theirs[2]["p_value"].isna().all()


def test_a_table_in_all_languages_of_the_paper_is_as_printed(papers):
    for paper in papers.values():
        pd.testing.assert_frame_equal(comparable(paper, XNLI[::-1]), paper)
