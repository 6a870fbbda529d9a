"""The card of the miniature: its numbers are those of the data and backbone beside it."""

import pytest

from pipeline.params.whole import load_params
from pipeline.pocket.card import cues, full_data, untrained


@pytest.fixture(scope="module")
def card(pocket):
    """Return the cells of every table row, by the row's first cell."""
    lines = (pocket / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return {row[0]: row[1:] for row in rows}


def test_cues_tell_next_to_nothing_and_the_card_says_so(sources, card):
    found = cues(sources.corpora, sources.grammar.lexicon).set_index("features")
    for split in ("validation", "test"):
        assert found[split].iloc[0] <= 38
        assert found[split].iloc[1] <= 40
        assert found[split].max() <= 40
    for name, row in found.iterrows():
        assert list(map(float, card[name])) == pytest.approx(list(row), abs=0.3)


@pytest.mark.slow
def test_the_untrained_backbone_is_as_good_as_the_card_says(sources, pocket, card):
    found = untrained(sources.grammar, pocket)
    columns = ["validation", "test", "own words", "question template"]
    for row in found.to_dict("records"):
        closeness, *numbers = card[row["language"]]
        assert closeness == row["closeness"]
        for number, column in zip(numbers, columns, strict=True):
            expected = float(number) if number else float("nan")
            assert row[column] == pytest.approx(expected, abs=0.5, nan_ok=True)
    means = [number for number in card["mean"] if number]
    expected = [found[column].mean() for column in ("validation", "test", "question template")]
    assert list(map(float, means)) == pytest.approx(expected, abs=0.3)


@pytest.mark.slow
def test_the_task_can_be_learned(pocket):
    params = load_params(pocket.parents[1] / "profiles" / "pocket.yaml")
    assert min(full_data(params, pocket).values()) >= 80
